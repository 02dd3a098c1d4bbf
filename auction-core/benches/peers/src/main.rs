//! The order book beside other crates' books: the same steady mix, in turns, in one run.
//!
//! `cargo run --release --manifest-path auction-core/benches/peers/Cargo.toml`
//!
//! A line a book: operations a second (in time of the thread, the best of its turns), how many times as fast ours is, and
//! bytes a resting order. All must give the fills of a plain book, or there is no line but a panic. What was seen is in
//! `README.md`.

#[path = "../../book/mix.rs"]
mod mix;
mod ours;
mod lobster;
mod orderbook_rs;
mod rust_ob;
mod rust_order_book;

use std::hint::black_box;
use std::time::Duration;

use mix::{Fills, Mix, Step};

/// Steps that are timed.
const STEPS: usize = 500_000;
/// Turns of each book.
const TURNS: usize = 5;

/// A book under test. It gives what rests the number of how many orders rested before, and keeps by tag what a cancel
/// needs.
pub trait Peer {
    const NAME: &'static str;
    fn new() -> Self;
    fn add(&mut self, tag: u32, is_buy: bool, ticks: u64, quantity: u64);
    fn cancel(&mut self, tag: u32);
    fn cross(&mut self, is_buy: bool, ticks: u64, quantity: u64, fills: &mut Fills);

    /// Bytes that are not the book's, but of this comparison.
    fn bytes_beside(&self) -> usize;

    /// Checks what traded, after all steps.
    fn check(&self, fills: &Fills, mix: &Mix) {
        assert_eq!(*fills, mix.fills, "{} trades what it must", Self::NAME);
    }

    fn step(&mut self, step: &Step, fills: &mut Fills) {
        match *step {
            Step::Add {
                is_buy,
                ticks,
                quantity,
                tag,
            } => self.add(tag, is_buy, ticks.into(), quantity.into()),
            Step::Cancel { tag } => self.cancel(tag),
            Step::Cross {
                is_buy,
                ticks,
                quantity,
            } => self.cross(is_buy, ticks.into(), quantity.into(), fills),
        }
    }
}

fn main() {
    let mix = Mix::new(STEPS);
    let mut times = [Duration::MAX; 5];
    for _ in 0..TURNS {
        let turn = [
            turn::<ours::Ours>(&mix),
            turn::<rust_order_book::RustOrderBook>(&mix),
            turn::<lobster::Lobster>(&mix),
            turn::<rust_ob::RustOb>(&mix),
            turn::<orderbook_rs::OrderbookRs>(&mix),
        ];
        for (best, time) in times.iter_mut().zip(turn) {
            *best = time.min(*best);
        }
    }
    println!("book                 M ops/s   ours is   bytes an order");
    line::<ours::Ours>(&mix, times[0], times[0]);
    line::<rust_order_book::RustOrderBook>(&mix, times[1], times[0]);
    line::<lobster::Lobster>(&mix, times[2], times[0]);
    line::<rust_ob::RustOb>(&mix, times[3], times[0]);
    line::<orderbook_rs::OrderbookRs>(&mix, times[4], times[0]);
}

/// The time of all steps.
fn turn<P: Peer>(mix: &Mix) -> Duration {
    let (mut book, mut fills) = (P::new(), Fills::default());
    for step in &mix.fill_up {
        book.step(step, &mut fills);
    }
    let start = mix::thread_time();
    for step in &mix.steps {
        book.step(black_box(step), &mut fills);
    }
    let time = mix::thread_time() - start;
    book.check(&fills, mix);
    time
}

fn line<P: Peer>(mix: &Mix, time: Duration, ours: Duration) {
    let mut book = None;
    let counted = allocation_counter::measure(|| {
        let (book, mut fills) = (book.insert(P::new()), Fills::default());
        for step in &mix.fill_up {
            book.step(step, &mut fills);
        }
    });
    let beside = book.map_or(0, |book| book.bytes_beside());
    println!(
        "{:<20} {:>7.2} {:>7.1} x {:>10.0}",
        P::NAME,
        mix.steps.len() as f64 / time.as_secs_f64() / 1e6,
        time.as_secs_f64() / ours.as_secs_f64(),
        (counted.bytes_current - beside as i64) as f64 / mix::RESTING as f64,
    );
}
