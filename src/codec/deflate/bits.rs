//! Bits -> bytes, least significant first (RFC 1951, 3.1.1).

/// Writes bits, least significant first.
pub struct Bits<'o> {
    out: &'o mut Vec<u8>,
    /// What is not in `out` yet.
    bytes: [u8; 256],
    end: End,
}

/// Where the next bits come. Who writes many has one of his own meanwhile, which a compiler keeps in registers.
#[derive(Debug, Clone, Copy, Default)]
pub struct End {
    /// The first bytes of those not in `out` yet are whole.
    whole: usize,
    /// Bits behind them, and how many.
    bits: u64,
    count: u32,
}

impl End {
    /// Adds bits; at most 56 may be added before they are written.
    #[inline]
    pub fn add(&mut self, value: u32, count: u32) {
        self.bits |= u64::from(value) << self.count;
        self.count += count;
    }
}

impl<'o> Bits<'o> {
    /// From a byte on.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, bytes: [0; 256], end: End::default() }
    }

    /// For [`Bits::write`].
    pub fn end(&self) -> End {
        self.end
    }

    /// The other way round.
    pub fn set_end(&mut self, end: End) {
        self.end = end;
    }

    /// Writes what was added, but for the last seven bits at most. Always eight bytes, of which those count that are whole: how many
    /// they are is nothing that could be foretold.
    #[inline]
    pub fn write(&mut self, end: &mut End) {
        if let Some(place) = self.bytes[end.whole..].first_chunk_mut() {
            *place = end.bits.to_le_bytes();
        }
        let bits = end.count & !7;
        end.whole += bits as usize / 8;
        end.bits >>= bits;
        end.count -= bits;
        if end.whole > self.bytes.len() - 8 {
            self.out.extend_from_slice(&self.bytes[..end.whole]);
            end.whole = 0;
        }
    }

    /// Adds bits and writes them.
    pub fn put(&mut self, value: u32, count: u32) {
        let mut end = self.end;
        end.add(value, count);
        self.write(&mut end);
        self.end = end;
    }

    /// Writes what is left; how many bits of the last byte are used, 0 for all.
    pub fn flush(self) -> usize {
        self.out.extend_from_slice(&self.bytes[..self.end.whole]);
        if self.end.count > 0 {
            self.out.push(self.end.bits.to_le_bytes()[0]);
        }
        self.end.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_all_widths_come_in_order() {
        let mut out = vec![0xaa];
        let mut bits = Bits::new(&mut out);
        let put: Vec<(u32, u32)> = (0..2000u32).map(|n| (n.wrapping_mul(0x9e37_79b1), n * 7 % 33)).collect();
        for (value, count) in &put {
            bits.put(u32::try_from(u64::from(*value) & ((1 << count) - 1)).unwrap(), *count);
        }
        let used = bits.flush();
        let mut at = 8;
        for (value, count) in put {
            for bit in 0..count {
                assert_eq!(u32::from(out[at / 8]) >> (at % 8) & 1, value >> bit & 1);
                at += 1;
            }
        }
        assert_eq!((out.len(), used), (at.div_ceil(8), at % 8));
    }
}
