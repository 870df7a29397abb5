//! What a number of a term is worth.
//!
//! Enters: its text, as a file has it. Leaves: an integer of any size within bounds, or a float.

use super::Reader;

/// Most digits of an integer: the time to read one grows with the square of them.
const LONGEST: usize = 4000;

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// Sign, and magnitude with the lowest byte first and without zeros at its end.
    Integer {
        /// Whether it is less than 0.
        negative: bool,
        /// Empty for 0.
        magnitude: Vec<u8>,
    },
    /// A finite float.
    Float(f64),
}

impl Number {
    /// Reads what a term holds: `8`, `1_000`, `16#ff`, `$a`, `$\n`, `-1.5e3`. None if it is none of these, or too long.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('$') {
            let mut reader = Reader::of(rest, &[]);
            let c = match reader.next()? {
                '\\' => reader.escape().ok().flatten()?,
                c => c,
            };
            return Some(Self::from(u64::from(u32::from(c))));
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.contains('.') {
            let float: f64 = digits.replace('_', "").parse().ok()?;
            return float.is_finite().then_some(Self::Float(if negative { -float } else { float }));
        }
        let (radix, digits) = match digits.split_once('#') {
            Some((radix, digits)) => (radix.parse().ok().filter(|radix| (2..=36).contains(radix))?, digits),
            None => (10, digits),
        };
        let digits = digits.replace('_', "");
        if digits.is_empty() || digits.len() > LONGEST {
            return None;
        }
        let mut magnitude = Vec::new();
        for digit in digits.chars() {
            push(&mut magnitude, radix, digit.to_digit(radix)?);
        }
        Some(Self::Integer { negative: negative && !magnitude.is_empty(), magnitude })
    }

    /// The value of an integer that 64 bits hold.
    pub fn small(&self) -> Option<i64> {
        let Self::Integer { negative, magnitude } = self else { return None };
        if magnitude.len() > 8 {
            return None;
        }
        let value = magnitude.iter().rev().fold(0_i128, |value, byte| (value << 8) | i128::from(*byte));
        i64::try_from(if *negative { -value } else { value }).ok()
    }

    /// As a term writes it.
    pub fn text(&self) -> String {
        match self {
            Self::Integer { negative, magnitude } => {
                let mut rest = magnitude.clone();
                let mut digits = Vec::new();
                while !rest.is_empty() {
                    digits.push(char::from(b'0' + take_digit(&mut rest)));
                }
                let digits: String = digits.into_iter().rev().collect();
                let digits = if digits.is_empty() { "0" } else { &digits };
                format!("{}{digits}", if *negative { "-" } else { "" })
            }
            Self::Float(float) => {
                let text = format!("{float:?}");
                match text.split_once('e') {
                    // Erlang wants digits behind the point.
                    Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
                    _ => text,
                }
            }
        }
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        let mut magnitude = value.to_le_bytes().to_vec();
        magnitude.truncate(8 - value.leading_zeros() as usize / 8);
        Self::Integer { negative: false, magnitude }
    }
}

/// `magnitude * radix + digit`
fn push(magnitude: &mut Vec<u8>, radix: u32, digit: u32) {
    let mut carry = digit;
    for byte in magnitude.iter_mut() {
        let value = u32::from(*byte) * radix + carry;
        *byte = low(value);
        carry = value >> 8;
    }
    if carry > 0 {
        magnitude.push(low(carry));
    }
}

/// Divides by ten; what is left over.
fn take_digit(magnitude: &mut Vec<u8>) -> u8 {
    let mut left = 0_u32;
    for byte in magnitude.iter_mut().rev() {
        let value = (left << 8) | u32::from(*byte);
        *byte = low(value / 10);
        left = value % 10;
    }
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    low(left)
}

fn low(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_worth_what_erlang_takes_them_for() {
        let small = |text| Number::parse(text).and_then(|number| number.small());
        let all = [
            ("0", 0),
            ("-0", 0),
            ("1_000", 1000),
            ("16#ff", 255),
            ("-16#Ff", -255),
            ("$a", 97),
            ("$\\n", 10),
            ("$ ", 32),
        ];
        for (text, value) in all {
            assert_eq!(small(text), Some(value), "{text}");
        }
        assert_eq!(small("9223372036854775807"), Some(i64::MAX));
        assert_eq!((small("9223372036854775808"), small("1.5"), small("37#1"), small("2#2")), (None, None, None, None));
        assert_eq!(Number::parse("-1.5e3"), Some(Number::Float(-1500.0)));
        assert_eq!(Number::parse("1.0e999"), None);
        assert_eq!(Number::parse(&"9".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn texts_of_numbers_are_read_again() {
        for text in ["0", "-1", "340282366920938463463374607431768211456", "1.0e300", "-0.5", "100.0", "1.5e-7"] {
            assert_eq!(Number::parse(text).unwrap().text(), text);
        }
    }
}
