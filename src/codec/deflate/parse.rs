//! Which earlier bytes stand again: the search for matches (RFC 1951, 4) in texts that several streams have in common.
//!
//! Enters: a [`Text`], pieces that stand in each of those streams in the same order, but not at the same distances. Leaves:
//! [`Sequence`]s, which say no more than what holds in all of them: a match lies in one piece and refers to bytes of one piece, so
//! only its distance is another in each stream. What is searched for once is coded for each by [`super::weave`]. The search is by hash
//! chains with lazy matching.
//!
//! Source of when a later match is better, and of how short a match may be where few bytes come: libdeflate's `lib/deflate_compress.c`
//! ("lazy", `calculate_min_match_len`); its table is coarser here, and was measured anew.

use std::ops::Range;

use super::symbols::{LONGEST, SHORTEST, WINDOW, match_length};

/// Pieces begin at multiples of it, and at least so many bytes stand between two: about as far apart as tar has them, so about as far
/// as in the streams.
const GRAIN: usize = 512;
/// A match of the shortest length is worth its bits up to this distance.
const SHORT_WITHIN: usize = 4 * 1024;
/// How much of a piece, and of all, is looked at to learn which bytes come.
const HEAD: usize = 512;
const SEEN: usize = 16 * 1024;
const SLOTS: usize = 1 << 16;
const SHORT_SLOTS: usize = 1 << 11;
const NOWHERE: u32 = u32::MAX;

/// Pieces, each at a place of its own.
#[derive(Debug, Default)]
pub struct Text {
    bytes: Vec<u8>,
    pieces: Vec<Span>,
    /// Which piece a grain belongs to.
    owners: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// Matches refer to no place before it.
    floor: usize,
}

impl Text {
    /// Without any piece.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.owners.clear();
    }

    /// Room for one more piece, to be filled; it refers to no piece before the one with the number `first`.
    pub fn add(&mut self, length: usize, first: usize) -> &mut [u8] {
        let start = self.bytes.len();
        let end = start + length;
        let floor = self.pieces.get(first).map_or(start, |piece| piece.start);
        let owner = u32::try_from(self.pieces.len()).unwrap_or(u32::MAX);
        self.pieces.push(Span { start, end, floor });
        self.bytes.resize(end.next_multiple_of(GRAIN) + GRAIN, 0);
        self.owners.resize(self.bytes.len() / GRAIN, owner);
        &mut self.bytes[start..end]
    }

    /// The bytes of a piece, if there is one of this number.
    pub fn piece(&self, number: usize) -> Option<&[u8]> {
        self.pieces.get(number).map(|piece| &self.bytes[piece.start..piece.end])
    }

    /// Where a piece stands.
    pub fn range(&self, number: usize) -> Range<usize> {
        self.pieces[number].start..self.pieces[number].end
    }

    /// Bytes of the text, from one place to another.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The shortest match that takes fewer bits than its literals are likely to: the fewer bytes there are that come at all, the fewer
    /// bits each of them takes. Looks at the first bytes of the pieces.
    fn shortest_match(&self) -> usize {
        let mut counts = [0u32; 256];
        let heads = self.pieces.iter().map(|piece| &self.bytes[piece.start..piece.end.min(piece.start + HEAD)]);
        let mut seen = 0;
        for head in heads {
            for byte in head {
                counts[usize::from(*byte)] += 1;
            }
            seen += head.len();
            if seen >= SEEN {
                break;
            }
        }
        let rare = u32::try_from(seen / 1024).unwrap_or(0);
        match counts.iter().filter(|count| **count > rare).count() {
            0..=7 => 8,
            8..=15 => 6,
            16..=40 => 5,
            41..=48 => 4,
            _ => SHORTEST,
        }
    }

    /// The number of the piece that a place belongs to.
    pub fn owner(&self, at: usize) -> usize {
        self.owners[at / GRAIN] as usize
    }
}

/// Literals, then a match; without length there is none. Each piece begins one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    pub(super) literals: u32,
    pub(super) length: u16,
    /// In the text.
    pub(super) distance: u16,
}

impl Sequence {
    /// Bytes of one that is written down.
    pub const SIZE: usize = 8;

    /// For the scratch file.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        (u64::from(self.literals) | u64::from(self.length) << 32 | u64::from(self.distance) << 48).to_le_bytes()
    }

    /// The other way round.
    #[allow(clippy::cast_possible_truncation, reason = "each takes its bits")]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let all = u64::from_le_bytes(bytes);
        Self { literals: all as u32, length: (all >> 32) as u16, distance: (all >> 48) as u16 }
    }
}

/// How hard is looked.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Earlier places that are tried.
    max_chain: usize,
    /// A match of this length is taken without looking for a better one.
    nice_length: usize,
}

/// Finds matches. Reuse it: it holds the tables.
pub struct Parser {
    effort: Effort,
    /// Last place with these four bytes, by their hash.
    head: Vec<u32>,
    /// Likewise with these three.
    head_of_three: Vec<u32>,
    /// How far before a place the one before it with these four bytes is, by place. Where there is none, it leads to no place.
    prev: Vec<u16>,
}

#[derive(Debug, Clone, Copy)]
struct Match {
    length: usize,
    distance: usize,
}

impl Parser {
    /// At a level from 3 to 7; others are brought into that range.
    pub fn new(level: u8) -> Self {
        let (max_chain, nice_length) = match level {
            0..=3 => (10, 32),
            4 => (16, 32),
            5 => (24, 65),
            6 => (48, 130),
            _ => (100, 200),
        };
        Self {
            effort: Effort { max_chain, nice_length },
            head: vec![NOWHERE; SLOTS],
            head_of_three: vec![NOWHERE; SHORT_SLOTS],
            prev: vec![u16::MAX; WINDOW],
        }
    }

    /// Appends the sequences of each piece.
    pub fn parse(&mut self, text: &Text, out: &mut Vec<Sequence>) {
        self.head.fill(NOWHERE);
        self.head_of_three.fill(NOWHERE);
        let shortest = text.shortest_match();
        for piece in &text.pieces {
            self.piece(text, piece, shortest, out);
        }
    }

    fn piece(&mut self, text: &Text, piece: &Span, shortest: usize, out: &mut Vec<Sequence>) {
        let Effort { max_chain, nice_length } = self.effort;
        let (mut at, mut said) = (piece.start, piece.start);
        while at < piece.end {
            let Some(mut best) = self.longest(text, piece, at, shortest - 1, max_chain) else {
                at += 1;
                continue;
            };
            // Whether the next place has a better one.
            let mut entered = at + 1;
            while best.length < nice_length && at + 1 < piece.end {
                let next = self.longest(text, piece, at + 1, best.length - 1, max_chain / 2);
                entered = at + 2;
                let Some(next) = next.filter(|next| is_better(*next, best)) else { break };
                (at, best) = (at + 1, next);
            }
            out.push(sequence(at - said, Some(best)));
            (entered..at + best.length).for_each(|at| {
                self.enter(&text.bytes[at..piece.end], at);
            });
            at += best.length;
            said = at;
        }
        if said < piece.end {
            out.push(sequence(piece.end - said, None));
        }
    }

    /// The longest match from `at` on that is longer than `beyond`, which is two at least; and enters the place.
    #[inline]
    fn longest(&mut self, text: &Text, piece: &Span, at: usize, beyond: usize, max_chain: usize) -> Option<Match> {
        let bytes = &text.bytes[..];
        let here = &bytes[at..piece.end];
        let [last, last_short] = self.enter(here, at);
        let here = &here[..here.len().min(LONGEST)];
        let floor = piece.floor.max(at.saturating_sub(WINDOW));
        let (mut best, mut length) = (None, beyond);
        if beyond < SHORTEST && last_short < at && last_short >= floor.max(at.saturating_sub(SHORT_WITHIN)) {
            let there: Option<&[u8; 3]> = bytes[last_short..].first_chunk();
            if there == here.first_chunk() {
                length = SHORTEST;
                best = Some(Match { length, distance: at - last_short });
            }
        }
        let Some(&four) = here.first_chunk::<4>() else { return best };
        let mut from = last;
        // What a longer match ends with.
        let (mut tail, mut tail_at) = (four, 0);
        if length >= SHORTEST {
            tail_at = length - SHORTEST;
            let Some(more) = here[tail_at..].first_chunk() else { return best };
            tail = *more;
        }
        for _ in 0..max_chain {
            if from >= at || from < floor {
                break;
            }
            let there = &bytes[from..];
            if there[tail_at..].first_chunk() == Some(&tail) && there.first_chunk() == Some(&four) {
                // No further than the piece that it refers to.
                let found = match_length(there, here);
                let found = if found > length { found.min(text.pieces[text.owner(from)].end - from) } else { found };
                if found > length {
                    length = found;
                    best = Some(Match { length, distance: at - from });
                    if length >= self.effort.nice_length {
                        break;
                    }
                    tail_at = length - SHORTEST;
                    let Some(more) = here[tail_at..].first_chunk() else { break };
                    tail = *more;
                }
            }
            from = from.wrapping_sub(usize::from(self.prev[from % WINDOW]));
        }
        best
    }

    /// Remembers a place; each is entered once, in order. The places before it with the same four bytes, and the same three.
    #[inline]
    fn enter(&mut self, here: &[u8], at: usize) -> [usize; 2] {
        #[allow(clippy::cast_possible_truncation, reason = "a text is a few runs at most")]
        let place = at as u32;
        if let Some(four) = here.first_chunk() {
            let four = u32::from_le_bytes(*four);
            let last = std::mem::replace(&mut self.head[slot(four)], place);
            let last_short = std::mem::replace(&mut self.head_of_three[short_slot(four)], place);
            self.prev[at % WINDOW] = u16::try_from(place.wrapping_sub(last)).unwrap_or(u16::MAX);
            return [last as usize, last_short as usize];
        }
        let Some(&[a, b, c]) = here.first_chunk() else { return [NOWHERE as usize; 2] };
        let last_short =
            std::mem::replace(&mut self.head_of_three[short_slot(u32::from_le_bytes([a, b, c, 0]))], place);
        [NOWHERE as usize, last_short as usize]
    }
}

/// Whether a match of the next place is worth one literal more.
fn is_better(next: Match, best: Match) -> bool {
    if next.length < best.length {
        return false;
    }
    let (gained, (far, near)) = (next.length - best.length, (best.distance.ilog2(), next.distance.ilog2()));
    4 * gained + far as usize > 2 + near as usize
}

#[allow(clippy::cast_possible_truncation, reason = "a match is as long as a match can be, and not beyond the window")]
fn sequence(literals: usize, found: Option<Match>) -> Sequence {
    let (length, distance) = found.map_or((0, 0), |found| (found.length as u16, found.distance as u16));
    Sequence { literals: literals as u32, length, distance }
}

fn slot(four: u32) -> usize {
    (four.wrapping_mul(0x9e37_79b1) >> (u32::BITS - SLOTS.ilog2())) as usize
}

/// Of the first three.
fn short_slot(four: u32) -> usize {
    ((four << 8).wrapping_mul(0x9e37_79b1) >> (u32::BITS - SHORT_SLOTS.ilog2())) as usize
}
