//! Bearer and media tokens: 256 random bits in hexadecimal.
//!
//! Invariant: a token is compared in constant time and never printed by `Debug`.

use subtle::ConstantTimeEq;

/// A secret of this start of the program.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// 256 bits of the operating system's randomness (through the thread's reseeded generator).
    pub(crate) fn new() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this token, byte for byte; takes the same time wherever they differ.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_it() {
        let token = Token::new();
        let text = token.as_str().to_string();
        assert_eq!(text.len(), 64);
        assert!(token.is(&text));
        assert!(!token.is(&text.to_uppercase()) || text.chars().all(|c| c.is_ascii_digit()));
        assert!(!token.is(&text[..63]));
        assert!(!token.is(""));
        assert!(!Token::new().is(&text));
        assert!(!format!("{token:?}").contains(&text));
    }
}
