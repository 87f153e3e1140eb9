//! Bodies of the type `multipart/form-data` (RFC 7578), whole in memory.
//!
//! Written here because reqwest's own streams what it sends, and a whole body has a length that services can check.

use bytes::{BufMut, Bytes, BytesMut};

/// A form being filled.
pub(crate) struct Form {
    body: BytesMut,
    boundary: String,
}

impl Form {
    /// `seed` makes the boundary; a content that holds it by chance is out of reach at this length.
    pub fn new(seed: &str) -> Self {
        let mut mixed = 0xcbf2_9ce4_8422_2325_u64;
        for byte in seed.bytes().chain(std::process::id().to_le_bytes()) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self {
            body: BytesMut::new(),
            boundary: format!("bobina-form-{mixed:016x}-{:016x}", mixed.rotate_left(29)),
        }
    }

    /// A part with text.
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.begin(&format!("form-data; name=\"{}\"", quoted(name)), None);
        self.end(value.as_bytes());
        self
    }

    /// A part with text, when there is one.
    pub fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A part with a file's content.
    pub fn file(mut self, name: &str, file_name: &str, content_type: &str, content: &[u8]) -> Self {
        let disposition = format!("form-data; name=\"{}\"; filename=\"{}\"", quoted(name), quoted(file_name));
        self.begin(&disposition, Some(content_type));
        self.end(content);
        self
    }

    /// The body and its content type.
    pub fn finish(mut self) -> (Bytes, String) {
        self.body.put_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (self.body.freeze(), format!("multipart/form-data; boundary={}", self.boundary))
    }

    fn begin(&mut self, disposition: &str, content_type: Option<&str>) {
        let kind = content_type.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
        let head = format!("--{}\r\nContent-Disposition: {disposition}\r\n{kind}\r\n", self.boundary);
        self.body.put_slice(head.as_bytes());
    }

    fn end(&mut self, content: &[u8]) {
        self.body.put_slice(content);
        self.body.put_slice(b"\r\n");
    }
}

/// As the HTML standard escapes names in a form.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_the_standard_says() {
        let (body, kind) =
            Form::new("x").text("a[]", "1").file("f", "s\".wav", "audio/wav", b"\0\r\n").finish();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\n1\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"s%22.wav\"\r\nContent-Type: audio/wav\r\n\r\n\0\r\n\r\n\
             --{boundary}--\r\n"
        );
        assert_eq!(text, expected);
    }
}
