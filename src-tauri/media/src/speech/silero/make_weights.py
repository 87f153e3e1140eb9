"""Makes weights.f16 from Silero VAD's own weights (MIT), as the PyPI wheel carries them.

    pip download --no-deps silero-vad==6.2.3
    unzip silero_vad-6.2.3-py3-none-any.whl
    python3 make_weights.py silero_vad/data/silero_vad_16k.safetensors weights.f16

All tensors one after the other in the order below, row-major, little-endian f16, nothing else.
"""

import json
import struct
import sys

ORDER = {
    "stft_conv.weight": [258, 1, 256],
    "conv1.weight": [128, 129, 3],
    "conv1.bias": [128],
    "conv2.weight": [64, 128, 3],
    "conv2.bias": [64],
    "conv3.weight": [64, 64, 3],
    "conv3.bias": [64],
    "conv4.weight": [128, 64, 3],
    "conv4.bias": [128],
    "lstm_cell.weight_ih": [512, 128],
    "lstm_cell.weight_hh": [512, 128],
    "lstm_cell.bias_ih": [512],
    "lstm_cell.bias_hh": [512],
    "final_conv.weight": [1, 128, 1],
    "final_conv.bias": [1],
}


def main():
    data = open(sys.argv[1], "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = json.loads(data[8 : 8 + length])
    with open(sys.argv[2], "wb") as out:
        for name, shape in ORDER.items():
            tensor = tensors[name]
            assert tensor["dtype"] == "F32" and tensor["shape"] == shape, (name, tensor)
            begin, end = (8 + length + offset for offset in tensor["data_offsets"])
            values = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
            out.write(struct.pack(f"<{len(values)}e", *values))


if __name__ == "__main__":
    main()
