//! Signatures: Standard Webhooks 1.0 (symmetric), and one over the body alone for simple receivers.
//!
//! Owns the form of secrets and headers. Invariant: a secret is shown by no `Debug`; what is signed are the bytes sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ApiError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What stands before a secret, as the specification has it.
const PREFIX: &str = "whsec_";

/// A secret as text and as key.
#[derive(Clone)]
pub struct SigningSecret {
    text: String,
    key: Vec<u8>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl SigningSecret {
    /// 32 random bytes.
    pub fn generate() -> Self {
        let key: [u8; 32] = rand::random();
        Self { text: format!("{PREFIX}{}", STANDARD.encode(key)), key: key.to_vec() }
    }

    /// Reads `whsec_` and base64, or base64 alone. `INVALID_INPUT` unless it holds 24 to 64 bytes; never repeats it.
    pub fn read(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).unwrap_or(text);
        match STANDARD.decode(body) {
            Ok(key) if (24..=64).contains(&key.len()) => Ok(Self { text: text.to_string(), key }),
            _ => Err(ApiError::invalid(
                "A webhook secret is 24 to 64 bytes in base64, with or without whsec_ before it.",
            )),
        }
    }

    /// As the user has it, `whsec_` included.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The `webhook-signature` header: one `v1,` signature over `id.timestamp.body` for each secret.
pub fn standard(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let before = format!("{id}.{timestamp}.");
    let signed: Vec<String> = secrets
        .iter()
        .map(|secret| format!("v1,{}", STANDARD.encode(mac(&secret.key, &[before.as_bytes(), body]))))
        .collect();
    signed.join(" ")
}

/// The `X-Webhook-Signature` header: the body alone, keyed with the secret's text as the user has it.
pub fn simple(secret: &SigningSecret, body: &[u8]) -> String {
    let hex: String = mac(secret.text.as_bytes(), &[body]).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn item_15_signs_as_the_specification_does() {
        let secret = SigningSecret::read(SECRET).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature =
            standard(std::slice::from_ref(&secret), id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let rotated =
            standard(&[SigningSecret::generate(), secret], id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert!(rotated.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn item_15_every_part_is_signed() {
        let secret = [SigningSecret::read(SECRET).unwrap()];
        let whole = standard(&secret, "msg_1", 100, b"body");
        for other in [
            standard(&secret, "msg_2", 100, b"body"),
            standard(&secret, "msg_1", 101, b"body"),
            standard(&secret, "msg_1", 100, b"bodz"),
            standard(&[SigningSecret::generate()], "msg_1", 100, b"body"),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn item_15_weak_secrets_are_refused_and_none_is_shown() {
        for weak in ["", "whsec_", "whsec_MTIzNA==", "not base64 at all !", &STANDARD.encode([1; 65])] {
            let error = SigningSecret::read(weak).unwrap_err();
            assert!(weak.is_empty() || weak == "whsec_" || !error.message.contains(weak));
        }
        assert!(!format!("{:?}", SigningSecret::read(SECRET).unwrap()).contains("MfKQ"));
        assert_eq!(SigningSecret::read(SigningSecret::generate().text()).unwrap().key.len(), 32);
    }
}
