//! Tokens for programs: named, scoped, revocable.
//!
//! Owns making, checking and ending them. Leaves the owner's own token, which changes with every start, to `server`.
//! Invariant: a token is shown once, when it is made; only its hash is stored.

use crate::Backend;
use crate::api::types::{NewToken, Nothing, Page, Presented, Principal, TokenItem, TokenRef, TokenRequest};
use crate::store::tokens as rows;
use domain::{ApiError, ErrorCode};

/// What our tokens begin with, so that they are known in a log or a leaked file.
const PREFIX: &str = "bob_";

/// Between two notes of a token's last use, in milliseconds.
const TOUCH_MS: i64 = 60_000;

fn hash(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

/// Make a token for a program.
///
/// Errors: `INVALID_INPUT` for the name, `NAME_TAKEN`.
pub async fn create(backend: &Backend, request: TokenRequest) -> Result<NewToken, ApiError> {
    let name = request.name.trim().to_string();
    let plain = |each: char| each.is_alphanumeric() || " -_.".contains(each);
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(plain) || name == "owner" {
        return Err(ApiError::invalid(
            "name must be 1 to 64 letters, digits, spaces, -, _ and . (and not \"owner\").",
        ));
    }
    let bits: [u8; 32] = rand::random();
    let token = format!("{PREFIX}{}", bits.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let (id, hash, now) = (backend.new_id("tok_"), hash(&token), backend.clock.now());
    let made = backend.store.write(move |conn| {
        if !rows::insert(conn, &id, &name, request.scope, &hash, now)? {
            return Ok(None);
        }
        rows::find(conn, &id)
    });
    match made.await? {
        Some(item) => Ok(NewToken { token, item }),
        None => Err(ApiError::new(
            ErrorCode::NameTaken,
            "A token of that name is or was there; names are never used twice, so that the audit stays clear.",
        )),
    }
}

/// Tokens, the newest first.
pub async fn list(backend: &Backend, _: Nothing) -> Result<Page<TokenItem>, ApiError> {
    let items = backend.store.read(rows::list).await?;
    let total = items.len() as u64;
    Ok(Page { total, limit: u32::try_from(total).unwrap_or(u32::MAX), offset: 0, items })
}

/// End a token. One that was ended already stays so.
pub async fn revoke(backend: &Backend, which: TokenRef) -> Result<TokenItem, ApiError> {
    let now = backend.clock.now();
    let found = backend.store.write(move |conn| {
        rows::revoke(conn, &which.token, now)?;
        rows::find(conn, &which.token)
    });
    found.await?.ok_or_else(|| ApiError::new(ErrorCode::TokenNotFound, "There is no such token."))
}

/// Whose token this is. Found by its hash: how long that takes tells nothing about the token.
///
/// Errors: `UNAUTHORIZED`; `FORBIDDEN` while the API is switched off.
pub async fn check(backend: &Backend, given: Presented) -> Result<Principal, ApiError> {
    let hash = hash(&given.token);
    let wanted = hash.clone();
    let found = backend.store.read(move |conn| rows::by_hash(conn, &wanted)).await?;
    let Some((name, scope, used)) = found else {
        return Err(ApiError::new(ErrorCode::Unauthorized, "The token is missing, wrong or revoked."));
    };
    if !backend.settings.get().api_enabled {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "The API is switched off. Switch it on in Settings › API, or with: bobina api on.",
        ));
    }
    let now = backend.clock.now();
    if used.is_none_or(|used| now.since(used) > TOUCH_MS) {
        backend.store.write(move |conn| rows::touch(conn, &hash, now)).await?;
    }
    Ok(Principal { name, scope })
}
