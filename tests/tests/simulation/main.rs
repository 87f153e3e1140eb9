//! Thousands of small lives of the queue's book, each from one seed: virtual time, seeded chance, the real SQL.
//!
//! Every event is followed by all invariants. A failure names its seed; `BOBINA_SIM_SEED=<seed>` plays it again and
//! prints what happened. `BOBINA_SIM_SEEDS=<count>` plays more (200 otherwise), `BOBINA_SIM_FIRST` from another start.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod invariants;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use world::World;

/// Events of one life.
const EVENTS: usize = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

fn live(seed: u64, trace: bool) -> u64 {
    let mut world = World::new(seed, trace);
    for _ in 0..EVENTS {
        world.event();
        invariants::check(&mut world);
    }
    world.finish_everything();
    world.claims
}

#[test]
fn the_book_keeps_its_invariants_whatever_happens() {
    if let Some(seed) = number("BOBINA_SIM_SEED") {
        live(seed, true);
        return;
    }
    let count = number("BOBINA_SIM_SEEDS").unwrap_or(200);
    let first = number("BOBINA_SIM_FIRST").unwrap_or(1);
    let started = Instant::now();
    let (next, claims) = (AtomicU64::new(first), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    match catch_unwind(AssertUnwindSafe(|| live(seed, false))) {
                        Ok(claimed) => claims.fetch_add(claimed, Ordering::Relaxed),
                        Err(fault) => {
                            eprintln!("seed {seed} failed; play it again with BOBINA_SIM_SEED={seed}");
                            std::panic::resume_unwind(fault);
                        }
                    };
                }
            });
        }
    });
    let claims = claims.into_inner();
    println!("{count} seeds, {claims} claims, {:.1} s", started.elapsed().as_secs_f64());
    assert!(claims > count * 15, "the lives were too quiet to show anything: {claims} claims");
}
