//! Reads `multipart/form-data` (RFC 7578), strictly.

use bytes::Bytes;

/// One part of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: Bytes,
}

impl Part {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.content).unwrap_or_default()
    }
}

pub(super) fn parse(content_type: &str, body: &Bytes) -> Result<Vec<Part>, String> {
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .ok_or_else(|| format!("the content type is \"{content_type}\""))?
        .trim_matches('"');
    let open = format!("--{boundary}\r\n");
    let next = format!("\r\n--{boundary}");
    let mut rest = body.slice(0..);
    if !rest.starts_with(open.as_bytes()) {
        return Err("the form does not begin with its boundary".into());
    }
    rest = rest.slice(open.len()..);
    let mut parts = Vec::new();
    loop {
        let head = find(&rest, b"\r\n\r\n").ok_or("a part has no end of its headers")?;
        let headers = String::from_utf8_lossy(&rest[..head]).into_owned();
        rest = rest.slice(head + 4..);
        let end = find(&rest, next.as_bytes()).ok_or("a part is not closed")?;
        parts.push(part(&headers, rest.slice(..end))?);
        rest = rest.slice(end + next.len()..);
        if &rest[..] == b"--\r\n" {
            return Ok(parts);
        }
        if !rest.starts_with(b"\r\n") {
            return Err("a boundary is broken".into());
        }
        rest = rest.slice(2..);
    }
}

fn part(headers: &str, content: Bytes) -> Result<Part, String> {
    let (mut name, mut file_name, mut content_type) = (None, None, None);
    for line in headers.split("\r\n") {
        let (key, value) = line.split_once(": ").ok_or("a header line is broken")?;
        match key.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                for each in value.split("; ").skip(1) {
                    let (key, value) = each.split_once('=').ok_or("the disposition is broken")?;
                    let value = value.trim_matches('"').to_string();
                    match key {
                        "name" => name = Some(value),
                        "filename" => file_name = Some(value),
                        _ => return Err(format!("the disposition holds \"{key}\"")),
                    }
                }
            }
            "content-type" => content_type = Some(value.to_string()),
            _ => {}
        }
    }
    Ok(Part { name: name.ok_or("a part has no name")?, file_name, content_type, content })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
