//! Small contents with what stands between them -> one run, from what is known of the contents already.
//!
//! Enters: literals and contents in the order of a stream, and the sequences of the contents, which are the same for all streams that
//! have them in this order. Leaves: a run. Only the literals are searched for matches here; distances within the contents grow by the
//! literals between.

use std::ops::Range;

use super::blocks::Blocks;
use super::parse::{Parser, Sequence, Text};
use super::symbols::{LONGEST, SHORTEST, WINDOW};
use super::{Behind, Unfaithful, is_of, pad};

/// What makes the bytes: another one makes other bytes. A test has a digest of some.
pub const NAME: &str = "woven 1";

/// Makes runs. Reuse it: it holds the tables and the buffers.
pub struct Weaver {
    parser: Parser,
    literals: Text,
    literal_sequences: Vec<Sequence>,
    blocks: Blocks,
    verify: bool,
}

impl Weaver {
    /// Whether runs of this level are made here: a library that makes each of them anew is quicker at lower levels, and looks harder at
    /// higher ones.
    pub fn knows(level: u8) -> bool {
        (3..=7).contains(&level)
    }

    /// At a level. With `verify` all that is made is decompressed and compared.
    pub fn new(level: u8, verify: bool) -> Self {
        let (literals, literal_sequences, blocks) = Default::default();
        Self { parser: Parser::new(level), literals, literal_sequences, blocks, verify }
    }

    /// The sequences of contents.
    pub fn parse(&mut self, contents: &Text) -> Vec<Sequence> {
        let mut sequences = Vec::new();
        self.parser.parse(contents, &mut sequences);
        sequences
    }

    /// Appends the run of `literals` and contents: a literal before each content, and one behind them all.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn run(
        &mut self,
        literals: &[&[u8]],
        contents: &Text,
        sequences: &[Sequence],
        out: &mut Vec<u8>,
    ) -> Result<(), Unfaithful> {
        self.literals.clear();
        // How much further on pieces stand in the stream than in their texts.
        let (mut literal_shifts, mut content_shifts) = (Vec::new(), Vec::new());
        // Where literals begin in the stream, and the first that the end of this one can refer to.
        let (mut starts, mut first, mut at) = (Vec::new(), 0, 0);
        for (number, bytes) in literals.iter().enumerate() {
            starts.push(at);
            while first < number && at + bytes.len() - starts[first] > WINDOW {
                first += 1;
            }
            self.literals.add(bytes.len(), first).copy_from_slice(bytes);
            literal_shifts.push(at.wrapping_sub(self.literals.range(number).start));
            at += bytes.len();
            if let Some(content) = contents.piece(number) {
                content_shifts.push(at.wrapping_sub(contents.range(number).start));
                at += content.len();
            }
        }
        self.literal_sequences.clear();
        self.parser.parse(&self.literals, &mut self.literal_sequences);
        let (mut of_literals, mut of_contents) = (self.literal_sequences.iter(), sequences.iter());
        for number in 0..literals.len() {
            put(&self.literals, number, &mut of_literals, &literal_shifts, &mut self.blocks);
            if number < content_shifts.len() {
                put(contents, number, &mut of_contents, &content_shifts, &mut self.blocks);
            }
        }
        let start = out.len();
        let bits = self.blocks.write(out);
        pad(out, bits);
        if !self.verify {
            return Ok(());
        }
        let parts = literals.iter().enumerate().flat_map(|(n, bytes)| [*bytes, contents.piece(n).unwrap_or_default()]);
        if is_of(&out[start..], &parts.collect::<Vec<_>>().concat(), Behind::More) { Ok(()) } else { Err(Unfaithful) }
    }
}

/// Puts a piece of a text into blocks. `shifts` has for each piece how much further on it stands in the stream than in its text, modulo the
/// size of the type; a match that is too far there is literals.
fn put<'s>(
    text: &Text,
    number: usize,
    sequences: &mut impl Iterator<Item = &'s Sequence>,
    shifts: &[usize],
    blocks: &mut Blocks,
) {
    let (Range { start: mut at, end }, shift) = (text.range(number), shifts[number]);
    while at < end {
        let Some(&Sequence { literals, length, distance }) = sequences.next() else {
            // Nobody knows more: bytes are always right.
            return blocks.literals(text.bytes(at..end));
        };
        let literals = (literals as usize).min(end - at);
        blocks.literals(text.bytes(at..at + literals));
        at += literals;
        let (length, distance) = (usize::from(length).min(end - at), usize::from(distance));
        let far = if distance > at {
            0
        } else {
            distance.wrapping_add(shift).wrapping_sub(shifts[text.owner(at - distance)])
        };
        if (SHORTEST..=LONGEST).contains(&length) && (1..=WINDOW).contains(&far) {
            blocks.put_match(length, far);
        } else {
            blocks.literals(text.bytes(at..at + length));
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::super::{Deflater, RUN};
    use super::*;
    use crate::codec::hex::hex;

    fn random() -> impl FnMut() -> u32 {
        let mut state = 0x2545_f491u32;
        move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        }
    }

    /// Contents of many kinds and sizes, as they stand in a folder.
    fn contents(random: &mut impl FnMut() -> u32) -> Vec<Vec<u8>> {
        let words = ["fn ", "let ", "return ", "value", "(", ")", ";\n", " = ", "0", "1", "self.", "import "];
        let sizes = [0usize, 1, 2, 3, 4, 5, 300, 511, 512, 513, 1024, 2_000, 9_000, 16_383];
        (0..60)
            .map(|number| {
                let size = sizes[random() as usize % sizes.len()];
                let mut bytes = Vec::new();
                match number % 5 {
                    0 => bytes.resize(size, 0),
                    1 => bytes.extend((0..size).map(|_| random() as u8)),
                    2 => bytes.extend((0..size).map(|i| (i % 3) as u8)),
                    _ => {
                        while bytes.len() < size {
                            bytes.extend(words[random() as usize % words.len()].bytes());
                        }
                    }
                }
                bytes.truncate(size);
                bytes
            })
            .collect()
    }

    fn text_of(contents: &[Vec<u8>]) -> Text {
        let mut text = Text::default();
        contents.iter().for_each(|content| text.add(content.len(), 0).copy_from_slice(content));
        text
    }

    #[test]
    fn what_was_searched_once_is_right_between_literals_of_any_length() {
        let mut random = random();
        for level in 3..=7 {
            let mut weaver = Weaver::new(level, true);
            let contents = contents(&mut random);
            let text = text_of(&contents);
            let sequences = weaver.parse(&text);
            // As in the text, nothing between, a little, more than a window, and all of these.
            for kind in 0..5 {
                let literals: Vec<Vec<u8>> = (0..=contents.len())
                    .map(|number| {
                        let length = [512, 0, 110 + number % 7, 40_000, 1 << (random() % 16)][kind];
                        (0..length).map(|i| (i * i % 251) as u8 & 0x1f).collect()
                    })
                    .collect();
                let literals: Vec<&[u8]> = literals.iter().map(|literal| &literal[..]).collect();
                let mut run = Vec::new();
                // It verifies what it makes.
                weaver.run(&literals, &text, &sequences, &mut run).unwrap();
                let raw: usize =
                    literals.iter().chain(&contents.iter().map(|c| &c[..]).collect::<Vec<_>>()).map(|b| b.len()).sum();
                assert!(run.len() < raw, "{} of {raw} bytes", run.len());
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_name() {
        let mut random = random();
        let contents = contents(&mut random);
        let literals = vec![&b"./usr/lib/app\0\0\0\0"[..]; contents.len() + 1];
        let mut runs = Vec::new();
        for level in 3..=7 {
            let (text, mut weaver) = (text_of(&contents), Weaver::new(level, true));
            let sequences = weaver.parse(&text);
            weaver.run(&literals, &text, &sequences, &mut runs).unwrap();
        }
        let sha256: [u8; 32] = Sha256::digest(&runs).into();
        assert_eq!((NAME, &hex(&sha256)[..16]), ("woven 1", "2398fc80db902ea5"), "other bytes need another name");
    }

    #[test]
    fn what_does_not_compress_grows_by_little() {
        let mut random = random();
        let noise: Vec<Vec<u8>> = (0..20).map(|_| (0..10_000).map(|_| random() as u8).collect()).collect();
        let (text, mut weaver) = (text_of(&noise), Weaver::new(6, true));
        let sequences = weaver.parse(&text);
        let mut run = Vec::new();
        weaver.run(&vec![&[][..]; 21], &text, &sequences, &mut run).unwrap();
        assert!(run.len() < 201_500, "{} bytes", run.len());
    }

    #[test]
    fn it_is_about_as_small_as_what_the_library_makes_of_the_whole() {
        let mut random = random();
        let contents: Vec<Vec<u8>> = contents(&mut random).into_iter().filter(|content| content.len() > 300).collect();
        let literals: Vec<Vec<u8>> = (0..=contents.len())
            .map(|number| format!("./usr/lib/app/part{number:05}").bytes().chain(vec![0; 490]).collect())
            .collect();
        let mut whole = Vec::new();
        for (number, literal) in literals.iter().enumerate() {
            whole.extend_from_slice(literal);
            whole.extend_from_slice(contents.get(number).map_or(&[][..], |content| content));
        }
        assert!(whole.len() < RUN);
        let mut library = Vec::new();
        Deflater::new(6, false).runs(&whole, &mut library).unwrap();
        let (text, mut weaver) = (text_of(&contents), Weaver::new(6, true));
        let sequences = weaver.parse(&text);
        let (literals, mut run): (Vec<&[u8]>, _) = (literals.iter().map(|literal| &literal[..]).collect(), Vec::new());
        weaver.run(&literals, &text, &sequences, &mut run).unwrap();
        assert!(run.len() * 100 < library.len() * 103, "{} bytes, {} by the library", run.len(), library.len());
    }

    #[test]
    fn few_bytes_have_no_codes_of_their_own() {
        let header: Vec<u8> = b"./usr/share/app/hello".iter().copied().chain([0; 491]).collect();
        let mut library = Vec::new();
        Deflater::new(6, false).runs(&[&header[..], b"hello\n"].concat(), &mut library).unwrap();
        let (text, mut weaver) = (text_of(&[b"hello\n".to_vec()]), Weaver::new(6, true));
        let (sequences, mut run) = (weaver.parse(&text), Vec::new());
        weaver.run(&[&header, b""], &text, &sequences, &mut run).unwrap();
        assert!(run.len() <= library.len() + 2, "{} bytes, {} by the library", run.len(), library.len());
    }

    #[test]
    fn sequences_that_are_missing_or_wrong_are_never_a_panic() {
        let mut random = random();
        let contents = contents(&mut random);
        let (text, mut weaver) = (text_of(&contents), Weaver::new(6, true));
        let literals = vec![&b"between"[..]; contents.len() + 1];
        let sequences = weaver.parse(&text);
        for known in [0, 1, sequences.len() / 2] {
            // What is not known is said byte by byte, and right.
            weaver.run(&literals, &text, &sequences[..known], &mut Vec::new()).unwrap();
        }
        for _ in 0..200 {
            let wrong: Vec<Sequence> = sequences
                .iter()
                .map(|sequence| {
                    let mut bytes = sequence.to_bytes();
                    if random().is_multiple_of(64) {
                        bytes[random() as usize % bytes.len()] ^= 1 << (random() % 8);
                    }
                    Sequence::from_bytes(bytes)
                })
                .collect();
            // It says so, unless the bytes happen to be right.
            let _ = weaver.run(&literals, &text, &wrong, &mut Vec::new());
        }
    }
}
