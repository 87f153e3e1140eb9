//! `Upload-Checksum: <algorithm> <base64>` of the tus protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ApiError;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A checksum that was announced, and what has been summed up so far.
pub(super) struct Checksum {
    wanted: Vec<u8>,
    sum: Sum,
}

enum Sum {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    pub(super) fn read(header: &str) -> Result<Self, ApiError> {
        let wrong =
            || ApiError::invalid("Upload-Checksum is sha1 or sha256, a space, and the sum in base64.");
        let (algorithm, wanted) = header.trim().split_once(' ').ok_or_else(wrong)?;
        let sum = match algorithm {
            "sha1" => Sum::Sha1(Sha1::new()),
            "sha256" => Sum::Sha256(Sha256::new()),
            _ => return Err(wrong()),
        };
        Ok(Self { wanted: STANDARD.decode(wanted.trim()).map_err(|_| wrong())?, sum })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Sha1(sum) => sum.update(bytes),
            Sum::Sha256(sum) => sum.update(bytes),
        }
    }

    pub(super) fn agrees(self) -> bool {
        match self.sum {
            Sum::Sha1(sum) => sum.finalize().as_slice() == self.wanted,
            Sum::Sha256(sum) => sum.finalize().as_slice() == self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_algorithms() {
        for (header, right) in [
            ("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", true),
            ("sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", true),
            ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ] {
            let mut checksum = Checksum::read(header).unwrap();
            checksum.update(b"hel");
            checksum.update(b"lo");
            assert_eq!(checksum.agrees(), right, "{header}");
        }
        assert!(Checksum::read("md5 xx").is_err() && Checksum::read("sha1").is_err());
    }
}
