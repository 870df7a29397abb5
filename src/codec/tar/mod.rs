//! tar in the GNU dialect: long names and links as extra members, sizes over 8 GiB in base 256.
//!
//! Enters: what a member is. Leaves: its header blocks ([`header`]), or members read back ([`read`]). pax headers are read
//! and, but for extended attributes of image layers ([`pax`]), never written: dpkg refuses them.

use tar::{EntryType, Header};

pub mod pax;
mod read;
pub use read::{Kind, ReadError, ReadMember, Reader};

/// Bytes of a block.
pub const BLOCK: u64 = 512;
/// What ends an archive: two blocks of zeros.
pub const END: &[u8] = &[0; 1024];
/// Longest user or group name in bytes: the field has 32 and a NUL.
pub const LONGEST_OWNER: usize = 31;
const NAME_FIELD: usize = 100;
static ZEROS: [u8; 512] = [0; 512];

/// A member to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Path within the archive, without trailing slash: `./usr/bin/hello`, `.`.
    pub path: &'a str,
    /// What it is.
    pub kind: Type<'a>,
    /// Permission bits.
    pub mode: u32,
    /// Numeric user id.
    pub uid: u32,
    /// Numeric group id.
    pub gid: u32,
    /// User name, at most [`LONGEST_OWNER`] bytes; empty means that only the number counts.
    pub user: &'a str,
    /// Group name, likewise.
    pub group: &'a str,
    /// Seconds since 1970.
    pub mtime: i64,
}

/// What a member to write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type<'a> {
    /// A directory.
    Directory,
    /// A regular file of so many bytes; its content and [`padding`] follow the header.
    File(u64),
    /// A symbolic link with this target.
    Symlink(&'a str),
    /// One more name of the member with this path, which came before.
    Hardlink(&'a str),
}

/// What tar cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A path or link target that is empty or contains NUL.
    #[error("`{}` cannot be a path in a tar archive", path.escape_debug())]
    BadPath {
        /// The path.
        path: String,
    },
    /// A user or group name that does not fit.
    #[error("the owner name `{name}` is over the {LONGEST_OWNER} bytes that a tar header can say")]
    LongOwner {
        /// The name.
        name: String,
    },
    /// A time before 1970.
    #[error("the time {mtime} is before 1970")]
    BadTime {
        /// Seconds since 1970.
        mtime: i64,
    },
}

/// Bytes of the blocks that announce a member, or why there are none: what [`header`] would say, without making them.
pub fn length(member: &Member<'_>) -> Result<u64, Error> {
    let link = check(member)?;
    let long =
        |length: usize| if length > NAME_FIELD { BLOCK + (length as u64 + 1).next_multiple_of(BLOCK) } else { 0 };
    let slash = usize::from(member.kind == Type::Directory);
    Ok(BLOCK + long(link.len()) + long(member.path.len() + slash))
}

/// The blocks that announce a member: for a name or target over 100 bytes the long-name members first.
pub fn header(member: &Member<'_>) -> Result<Vec<u8>, Error> {
    let link = check(member)?;
    let slashed;
    let mut path = member.path;
    if member.kind == Type::Directory {
        slashed = format!("{path}/");
        path = &slashed;
    }
    let (entry_type, size) = match member.kind {
        Type::Directory => (EntryType::Directory, 0),
        Type::File(size) => (EntryType::Regular, size),
        Type::Symlink(_) => (EntryType::Symlink, 0),
        Type::Hardlink(_) => (EntryType::Link, 0),
    };
    let mtime = u64::try_from(member.mtime).map_err(|_| Error::BadTime { mtime: member.mtime })?;
    let mut out = Vec::with_capacity(512);
    if link.len() > NAME_FIELD {
        long(&mut out, EntryType::GNULongLink, link)?;
    }
    if path.len() > NAME_FIELD {
        long(&mut out, EntryType::GNULongName, path)?;
    }
    let mut header = blank(entry_type);
    let gnu = header.as_gnu_mut_or(path)?;
    put(&mut gnu.name, path);
    put(&mut gnu.linkname, link);
    put(&mut gnu.uname, member.user);
    put(&mut gnu.gname, member.group);
    header.set_mode(member.mode & 0o7777);
    header.set_uid(u64::from(member.uid));
    header.set_gid(u64::from(member.gid));
    header.set_mtime(mtime);
    header.set_size(size);
    seal(&mut header);
    out.extend_from_slice(header.as_bytes());
    Ok(out)
}

/// Refuses what a header cannot say; the target of a link, else nothing.
fn check<'a>(member: &Member<'a>) -> Result<&'a str, Error> {
    let link = match member.kind {
        Type::Symlink(target) | Type::Hardlink(target) => Some(target),
        Type::Directory | Type::File(_) => None,
    };
    for text in [Some(member.path), link].into_iter().flatten() {
        if text.is_empty() || text.contains('\0') {
            return Err(Error::BadPath { path: text.to_owned() });
        }
    }
    if member.mtime < 0 {
        return Err(Error::BadTime { mtime: member.mtime });
    }
    for name in [member.user, member.group] {
        if name.len() > LONGEST_OWNER || name.contains('\0') {
            return Err(Error::LongOwner { name: name.to_owned() });
        }
    }
    Ok(link.unwrap_or_default())
}

/// What follows the content of a file.
pub fn padding(size: u64) -> &'static [u8] {
    let over = size % BLOCK;
    let len = if over == 0 { 0 } else { BLOCK - over };
    // `len` is below 512.
    ZEROS.get(..usize::try_from(len).unwrap_or_default()).unwrap_or_default()
}

trait Gnu {
    fn as_gnu_mut_or(&mut self, path: &str) -> Result<&mut tar::GnuHeader, Error>;
}

impl Gnu for Header {
    fn as_gnu_mut_or(&mut self, path: &str) -> Result<&mut tar::GnuHeader, Error> {
        self.as_gnu_mut().ok_or_else(|| Error::BadPath { path: path.to_owned() })
    }
}

fn blank(entry_type: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(entry_type);
    header
}

/// Sets the checksum in the form of the standard, six digits, NUL, blank; the tar crate writes seven digits.
fn seal(header: &mut Header) {
    header.set_cksum();
    let field = &mut header.as_old_mut().cksum;
    field.copy_within(1..7, 0);
    field[6..].copy_from_slice(b"\0 ");
}

/// Fills a field with as much as fits; the rest stands in a long-name member.
fn put(field: &mut [u8], text: &str) {
    let len = text.len().min(field.len());
    field[..len].copy_from_slice(&text.as_bytes()[..len]);
}

/// `././@LongLink`: a member whose content is the name of the next one, NUL at the end.
fn long(out: &mut Vec<u8>, entry_type: EntryType, text: &str) -> Result<(), Error> {
    let mut header = blank(entry_type);
    put(&mut header.as_gnu_mut_or(text)?.name, "././@LongLink");
    let size = text.len() as u64 + 1;
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    seal(&mut header);
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(0);
    out.extend_from_slice(padding(size));
    Ok(())
}

#[cfg(test)]
mod tests;
