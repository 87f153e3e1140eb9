//! Ids: how random bits are written.
//!
//! Leaves drawing the bits to whoever makes something.

/// An id: the prefix and the lower 60 bits in lower-case base 32 without look-alikes (Crockford's digits).
pub fn id(prefix: &str, random: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let digits = (0..12).map(|place| DIGITS[(random >> (5 * place)) as usize & 31] as char);
    prefix.chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn ids_differ_and_hold_only_letters_and_digits() {
        assert_eq!(id("t_", u64::MAX), "t_zzzzzzzzzzzz");
        assert_eq!(id("b_", 33), "b_110000000000");
        assert_ne!(id("t_", 1), id("t_", 1 << 59));
    }
}
