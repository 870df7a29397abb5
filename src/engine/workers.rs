//! How many workers the encoder of each artifact gets, so that all of them together hold bounded memory.
//!
//! Enters: the layouts of a run and the threads there are. Leaves: a number for each, which changes no byte. gzip has no
//! workers: its content is compressed before.
//!
//! A fast encoder keeps up with its input by one or two workers, so its memory is what counts. A slow one is given a
//! thread for each worker, and takes what that needs (`xz:6` about 130 MiB a worker); `--jobs` bounds it.

use crate::assemble::plan::Compression;
use crate::codec::compress;
use crate::formats::{Layout, Section};

/// Memory of all fast encoders that run at once, in bytes.
const FAST_MEMORY: u64 = 176 << 20;

/// The workers of each artifact, at least one; those that are written at once share `threads`.
pub fn of_each(layouts: &[&Layout<'_>], threads: usize) -> Vec<usize> {
    let encoders: Vec<Vec<Compression>> = layouts.iter().map(|layout| encoders(layout)).collect();
    let busy = encoders.iter().filter(|list| !list.is_empty()).count();
    let at_once = busy.min(threads).max(1);
    let share = (threads / at_once).max(1);
    let memory = FAST_MEMORY / at_once as u64;
    let most = |compression: &Compression| match compression {
        Compression::Zstd(level) => compress::zstd_workers_within(*level, memory).map_or(share, |most| most.min(share)),
        _ => share,
    };
    encoders.iter().map(|list| list.iter().map(most).min().unwrap_or(share)).collect()
}

/// The streams of an artifact that want workers. They are written one after the other.
fn encoders(layout: &Layout<'_>) -> Vec<Compression> {
    let streams = layout.sections.iter().filter_map(|section| match section {
        Section::Stream { compression, .. } => Some(*compression),
        Section::Computed(_) => None,
    });
    streams.filter(|compression| matches!(compression, Compression::Zstd(_) | Compression::Xz(_))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::Measure;

    fn layout(compression: Compression) -> Layout<'static> {
        let stream =
            |compression| Section::Stream { compression, measure: Measure::default(), pieces: Box::new(|_| Ok(())) };
        Layout { file_name: "x".into(), sections: vec![stream(Compression::None), stream(compression)] }
    }

    fn of(compressions: &[Compression], threads: usize) -> Vec<usize> {
        let layouts: Vec<_> = compressions.iter().map(|compression| layout(*compression)).collect();
        of_each(&layouts.iter().collect::<Vec<_>>(), threads)
    }

    #[test]
    fn threads_are_shared_and_fast_encoders_are_held_back() {
        use Compression::{Gzip, Xz, Zstd};
        let four = [Zstd(3), Zstd(3), Zstd(3), Gzip(6), Zstd(3)];
        assert_eq!(of(&four, 1), [1; 5]);
        assert_eq!(of(&four, 8), [2, 2, 2, 2, 2]);
        assert_eq!(of(&four, 64), [2, 2, 2, 16, 2], "not more than their memory allows");
        assert!(of(&[Zstd(3)], 64)[0] > 8, "one alone has it all");
        assert_eq!(of(&[Xz(6), Zstd(19)], 8), [4, 4], "slow ones get a worker for each thread");
        assert_eq!(of(&[Xz(6), Xz(6), Xz(6)], 2), [1; 3]);
        assert_eq!(of(&[], 8), [0usize; 0]);
    }
}
