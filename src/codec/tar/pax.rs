//! The one pax record that fitout writes: an extended attribute. Image layers may carry it; dpkg refuses it.

use tar::EntryType;

use super::{Error, Gnu as _, blank, padding, put};

/// A member that gives the next one an extended attribute, in the form of star (`SCHILY.xattr.NAME`) that GNU tar,
/// libarchive and the container engines read.
pub fn xattr(name: &str, value: &[u8]) -> Result<Vec<u8>, Error> {
    let mut record = format!(" SCHILY.xattr.{name}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    // The length in front counts itself.
    let mut length = record.len() + 1;
    while length.to_string().len() + record.len() != length {
        length = length.to_string().len() + record.len();
    }
    let mut content = length.to_string().into_bytes();
    content.extend(record);
    let mut header = blank(EntryType::XHeader);
    put(&mut header.as_gnu_mut_or(name)?.name, "PaxHeaders.0/xattr");
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(&content);
    out.extend_from_slice(padding(content.len() as u64));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_themselves_and_values_may_be_any_bytes() {
        for len in [0, 1, 60, 70, 71, 72, 73, 74, 75, 76, 77, 78, 969, 970, 971, 972, 973, 974] {
            let value: Vec<u8> = (0..=255).cycle().take(len).collect();
            let mut bytes = xattr("user.x", &value).unwrap();
            let member = super::super::Member {
                path: "f",
                kind: super::super::Type::File(0),
                mode: 0,
                uid: 0,
                gid: 0,
                user: "",
                group: "",
                mtime: 0,
            };
            bytes.extend(super::super::header(&member).unwrap());
            let read = super::super::Reader::new(&bytes[..]).next_member().unwrap().unwrap();
            assert_eq!(read.xattrs["user.x"], value, "{len}");
        }
    }
}
