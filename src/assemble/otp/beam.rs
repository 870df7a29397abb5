//! Compiled modules: which chunks they have, and what is left of them without those that only tools need.
//!
//! Enters: the bytes of a `.beam` file, which are not trusted, also packed by gzip. Leaves: its chunks, or a smaller file.
//! Source: the BEAM file format, an IFF container; `beam_lib(3)`.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// Chunks that the runtime uses, and attributes, in the order of newer tools.
pub const SIGNIFICANT: &[&str] =
    &["Attr", "Line", "Type", "Atom", "AtU8", "Code", "StrT", "ImpT", "ExpT", "FunT", "LitT", "Meta"];
/// Those that Mix keeps up to Elixir 1.14.
pub const OF_OLD_MIX: &[&str] = &["Atom", "AtU8", "Attr", "Code", "StrT", "ImpT", "ExpT", "FunT", "LitT", "Line"];
/// Most bytes of a module that is packed: real ones have a few megabytes.
const LARGEST: u64 = 256 << 20;

/// What is wrong with a module.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeamError {
    /// It is no module.
    #[error("it is no compiled module")]
    Form,
    /// It ends too early.
    #[error("it ends within a chunk")]
    Short,
    /// What is packed in it cannot be unpacked.
    #[error("it is packed by gzip and damaged: {0}")]
    Gzip(String),
    /// It has too many bytes.
    #[error("it has more than {LARGEST} bytes when unpacked")]
    Large,
}

type Result<T> = std::result::Result<T, BeamError>;

/// The bytes themselves, or what is packed in them.
///
/// # Errors
/// They are damaged, or far more than a module has.
pub fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut all = Vec::new();
    let mut reader = MultiGzDecoder::new(&bytes[..]).take(LARGEST + 1);
    reader.read_to_end(&mut all).map_err(|error| BeamError::Gzip(error.to_string()))?;
    if all.len() as u64 > LARGEST { Err(BeamError::Large) } else { Ok(all) }
}

/// Names and contents of the chunks, in their order.
///
/// # Errors
/// It is no module, or ends too early.
pub fn chunks(bytes: &[u8]) -> Result<Vec<(&[u8; 4], &[u8])>> {
    let (head, mut rest) = bytes.split_at_checked(12).ok_or(BeamError::Form)?;
    if !head.starts_with(b"FOR1") || !head.ends_with(b"BEAM") {
        return Err(BeamError::Form);
    }
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_first_chunk::<4>().ok_or(BeamError::Short)?;
        let (size, behind) = behind.split_first_chunk::<4>().ok_or(BeamError::Short)?;
        let size = u32::from_be_bytes(*size) as usize;
        let (content, behind) = behind.split_at_checked(size).ok_or(BeamError::Short)?;
        all.push((name, content));
        // The last one may lack what fills it up.
        rest = &behind[(size.wrapping_neg() & 3).min(behind.len())..];
    }
    Ok(all)
}

/// The module with the chunks of these names, in their order, and no others.
///
/// # Errors
/// It is no module, or damaged.
pub fn stripped(bytes: Vec<u8>, names: &[String]) -> Result<Vec<u8>> {
    let bytes = unpacked(bytes)?;
    let all = chunks(&bytes)?;
    let mut out = b"FOR1\0\0\0\0BEAM".to_vec();
    for name in names {
        // Of two with one name the last is taken, as the runtime's own tools do.
        let Some((name, content)) = all.iter().rev().find(|(other, _)| other[..] == *name.as_bytes()) else { continue };
        out.extend_from_slice(&name[..]);
        out.extend(u32::try_from(content.len()).map_err(|_| BeamError::Large)?.to_be_bytes());
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    let size = u32::try_from(out.len() - 8).map_err(|_| BeamError::Large)?;
    out[4..8].copy_from_slice(&size.to_be_bytes());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn module(chunks: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = b"FOR1\0\0\0\0BEAM".to_vec();
        for (name, content) in chunks {
            out.extend(name.as_bytes());
            out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
            out.extend(*content);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        let size = u32::try_from(out.len() - 8).unwrap();
        out[4..8].copy_from_slice(&size.to_be_bytes());
        out
    }

    fn kept(more: &[&str]) -> Vec<String> {
        SIGNIFICANT.iter().chain(more).map(|name| (*name).to_owned()).collect()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn what_only_tools_need_is_gone() {
        let whole = module(&[("Dbgi", b"debug"), ("Code", b"code!"), ("AtU8", b"a"), ("Docs", b"docs")]);
        let small = module(&[("AtU8", b"a"), ("Code", b"code!")]);
        assert_eq!(stripped(whole.clone(), &kept(&[])).unwrap(), small);
        assert_eq!(stripped(packed(&whole), &kept(&[])).unwrap(), small);
        let more = stripped(whole, &kept(&["Docs"])).unwrap();
        assert_eq!(more, module(&[("AtU8", b"a"), ("Code", b"code!"), ("Docs", b"docs")]));
    }

    #[test]
    fn what_is_no_module_is_told() {
        assert_eq!(stripped(b"FOR1".to_vec(), &[]), Err(BeamError::Form));
        assert_eq!(stripped(b"FOR1\0\0\0\x08BOOM\0\0\0\0".to_vec(), &[]), Err(BeamError::Form));
        let whole = module(&[("Code", b"code code code")]);
        assert_eq!(stripped(whole[..20].to_vec(), &[]), Err(BeamError::Short));
        assert!(matches!(stripped(packed(&whole)[..12].to_vec(), &[]), Err(BeamError::Gzip(_))));
        let mut huge = whole;
        huge[16..20].copy_from_slice(&[0xff; 4]);
        assert_eq!(stripped(huge, &[]), Err(BeamError::Short));
    }

    /// 300 MB of zeros in a few hundred kilobytes.
    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..300 {
            writer.write_all(&zeros).unwrap();
        }
        assert_eq!(stripped(writer.finish().unwrap(), &[]), Err(BeamError::Large));
    }
}
