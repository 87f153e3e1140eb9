"""Outside judges of the API: public packages that know nothing of Bobina.

Each subcommand ends with an exception, and so with a status other than 0, where the judge is not content.
"""

import base64
import json
import os
import socket
import sys
import urllib.parse

URL = os.environ.get("BOBINA_URL", "")
TOKEN = os.environ.get("BOBINA_TOKEN", "")


def webhooks(secret, file):
    """standardwebhooks verifies a delivery, and nothing that differs from it."""
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError

    got = json.load(open(file))
    body, headers = base64.b64decode(got["body"]), got["headers"]
    judge = Webhook(secret)
    assert judge.verify(body, headers)["event_type"]

    def refuses(body, headers):
        try:
            judge.verify(body, headers)
        except WebhookVerificationError:
            return True
        return False

    assert refuses(body[:-1] + b" ", headers)
    assert refuses(body, {**headers, "webhook-id": headers["webhook-id"] + "0"})
    earlier = str(int(headers["webhook-timestamp"]) - 360)
    assert refuses(body, {**headers, "webhook-timestamp": earlier})


def openai(file):
    """The openai SDK transcribes and lists the models."""
    from openai import NotFoundError, OpenAI

    client = OpenAI(base_url=URL + "/v1", api_key=TOKEN, max_retries=0)
    assert any(model.id == "whisper-1" for model in client.models.list())
    with open(file, "rb") as audio:
        said = client.audio.transcriptions.create(model="basic", file=audio, language="en")
    assert said.text.strip(), said
    with open(file, "rb") as audio:
        said = client.audio.transcriptions.create(
            model="basic", file=audio, language="en", response_format="verbose_json"
        )
    assert said.segments and said.segments[0].end > said.segments[0].start, said
    try:
        client.models.retrieve("nothing-of-the-kind")
        raise AssertionError("a model that is not there was found")
    except NotFoundError:
        pass


def tus(file):
    """tuspy uploads through a connection that is cut in the middle of a piece."""
    from tusclient import client

    whole = open(file, "rb").read()
    tus_client = client.TusClient(URL + "/api/v1/uploads", headers={"Authorization": "Bearer " + TOKEN})
    uploader = tus_client.uploader(file, chunk_size=4096, metadata={"filename": "talk.wav"})
    uploader.upload_chunk()
    place = urllib.parse.urlparse(uploader.url)
    cut = socket.create_connection((place.hostname, place.port))
    head = (
        f"PATCH {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 4096\r\n"
        f"Content-Length: {len(whole) - 4096}\r\n\r\n"
    )
    cut.sendall(head.encode() + whole[4096:9000])
    cut.close()
    resumed = None
    for _ in range(200):
        try:
            resumed = tus_client.uploader(file, chunk_size=4096, url=uploader.url)
            resumed.upload()
            break
        except Exception as error:  # noqa: BLE001 - the cut piece may still be written: 409 until it has ended
            last = error
            import time

            time.sleep(0.05)
    assert resumed is not None and resumed.offset == len(whole), last
    print(resumed.url.rsplit("/", 1)[1])


if __name__ == "__main__":
    {"webhooks": webhooks, "openai": openai, "tus": tus}[sys.argv[1]](*sys.argv[2:])
