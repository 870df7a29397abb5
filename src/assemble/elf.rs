//! What one ELF file says of itself: machine, sonames, symbol versions, search path.
//!
//! Enters: a file that can be sought. Leaves: an [`ElfFile`], or nothing if it is not ELF. Only the headers, the dynamic
//! section and the version sections are read, and never more than [`bytes::BUDGET`] bytes of them, whatever the file
//! claims. Not here: what a need is called in a format (`formats/deb/shlibs.rs`, `formats/rpm/elfdeps.rs`).
//!
//! Source: the System V gABI, chapters 4 and 5; the LSB's chapter on symbol versioning for `.gnu.version_r` and `_d`.

use std::io::{Read, Seek};

use object::elf;

use super::plan::{Arch, ElfFile};
use crate::diagnostic::{Diagnostic, codes};

mod bytes;
pub mod run_path;
mod tables;
#[cfg(test)]
mod tests;

use bytes::Bytes;

/// Why a file that begins like ELF could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// The file could not be read.
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
    /// A header points behind the end of the file.
    #[error("{0} lies outside the file")]
    Outside(&'static str),
    /// A field has a value that the gABI does not know.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// The tables are larger than any real file has them.
    #[error("its tables are larger than {} MiB", bytes::BUDGET >> 20)]
    TooLarge,
}

impl ElfError {
    /// As a finding about the file at `path`: an error if it could not be read, else a warning, because a tree may hold
    /// broken ELF files on purpose (test data).
    pub fn diagnostic(&self, path: impl AsRef<std::path::Path>) -> Diagnostic {
        let shown = path.as_ref().display().to_string();
        match self {
            Self::Io(cause) => {
                Diagnostic::error(codes::ELF_UNREADABLE, format!("cannot read `{shown}` to see what it needs: {cause}"))
                    .help("check that the file exists, that you may read it, and that the disk is sound")
                    .path(path)
            }
            _ => Diagnostic::warning(codes::ELF_DAMAGED, format!("`{shown}` begins like an ELF file, but {self}"))
                .help("build the file again, or leave it out with `exclude` if it is not meant to run")
                .note("no dependency is derived from it")
                .path(path),
        }
    }
}

/// Reads what an ELF file says; `None` if it does not begin with the ELF magic number. `executable` is whether the entry
/// will have an x bit, which decides whether rpm derives needs from it.
///
/// # Errors
/// [`ElfError`] if the file cannot be read or contradicts itself.
pub fn read(file: &mut (impl Read + Seek), executable: bool) -> Result<Option<ElfFile>, ElfError> {
    let Some(mut bytes) = Bytes::open(file)? else { return Ok(None) };
    let header = tables::Header::read(&mut bytes)?;
    let mut facts = ElfFile {
        is_64: bytes.is_64,
        little_endian: bytes.little_endian,
        machine: header.machine,
        flags: header.flags,
        executable,
        linked: header.kind == elf::ET_EXEC.0 || header.kind == elf::ET_DYN.0,
        shared: header.kind == elf::ET_DYN.0,
        ..ElfFile::default()
    };
    if facts.linked {
        tables::fill(&mut bytes, &header, &mut facts)?;
    }
    Ok(Some(facts))
}

/// The architecture that the file is for; `None` for those that fitout has no name for. An ARM file that does not say
/// its float ABI (Go's do not) counts as hard float unless its loader says otherwise; [`runs_on`] is more lenient.
pub fn arch_of(file: &ElfFile) -> Option<Arch> {
    let machine = elf::Machine(file.machine);
    match (machine, file.is_64, file.little_endian) {
        (elf::EM_X86_64, true, true) => Some(Arch::Amd64),
        (elf::EM_AARCH64, true, true) => Some(Arch::Arm64),
        (elf::EM_ARM, false, true) => Some(if float_abi(file) == Some(Float::Soft) { Arch::Arm5 } else { Arch::Arm7 }),
        (elf::EM_386, false, true) => Some(Arch::I386),
        (elf::EM_PPC64, true, true) => Some(Arch::Ppc64le),
        (elf::EM_S390, true, false) => Some(Arch::S390x),
        (elf::EM_RISCV, true, true) => Some(Arch::Riscv64),
        (elf::EM_LOONGARCH, true, true) => Some(Arch::Loong64),
        (elf::EM_MIPS, true, true) => Some(Arch::Mips64le),
        _ => None,
    }
}

/// Whether a package for `arch` may contain the file. ARM files without a float ABI run on both ARM targets.
pub fn runs_on(file: &ElfFile, arch: Arch) -> bool {
    match arch_of(file) {
        Some(Arch::Arm5 | Arch::Arm7) if float_abi(file).is_none() => matches!(arch, Arch::Arm5 | Arch::Arm7),
        found => found == Some(arch),
    }
}

/// The machine in words for messages: `arm64`, `x32`, `32-bit MIPS`, `machine 247`.
pub fn machine_name(file: &ElfFile) -> String {
    if let Some(arch) = arch_of(file) {
        return arch.go().to_owned();
    }
    let name = match elf::Machine(file.machine) {
        elf::EM_X86_64 => return "x32".to_owned(),
        elf::EM_BPF => return "eBPF".to_owned(),
        elf::EM_AARCH64 | elf::EM_ARM => "ARM",
        elf::EM_386 => "x86",
        elf::EM_PPC | elf::EM_PPC64 => "PowerPC",
        elf::EM_S390 => "S/390",
        elf::EM_RISCV => "RISC-V",
        elf::EM_LOONGARCH => "LoongArch",
        elf::EM_MIPS => "MIPS",
        elf::EM_SPARC | elf::EM_SPARCV9 => "SPARC",
        _ => return format!("machine {}", file.machine),
    };
    let width = if file.is_64 { "64-bit" } else { "32-bit" };
    let order = if file.little_endian { "little-endian" } else { "big-endian" };
    format!("{width} {order} {name}")
}

#[derive(PartialEq, Eq)]
enum Float {
    Hard,
    Soft,
}

/// Float ABI of an ARM file, by its flags (EABI 5), else by its loader.
fn float_abi(file: &ElfFile) -> Option<Float> {
    if file.flags & elf::EF_ARM_ABI_FLOAT_HARD != 0 {
        return Some(Float::Hard);
    }
    if file.flags & elf::EF_ARM_ABI_FLOAT_SOFT != 0 {
        return Some(Float::Soft);
    }
    let loader = file.interpreter.as_deref()?;
    Some(if loader.contains("armhf") { Float::Hard } else { Float::Soft })
}

/// The first line of a script without `#!`, if the file begins with it; `head` is the beginning of the file, of which
/// the kernel looks at 256 bytes.
pub fn shebang(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?;
    let line = line.split(|b| *b == b'\n').next()?;
    let line = std::str::from_utf8(&line[..line.len().min(254)]).ok()?;
    let program = line.trim();
    (program.starts_with('/') && !program.contains(char::is_control)).then(|| program.to_owned())
}
