//! Sonames and the packages that have them, over the releases that fitout knows.
//!
//! Debian 13 and Ubuntu 24.04 renamed the libraries whose interface holds a `time_t` (`t64`); the new ones provide the
//! old names, but not on 32-bit ARM, so neither name suits all. Sources: the `shlibs` and `symbols` files of the
//! packages, <https://wiki.debian.org/ReleaseGoals/64bit-time>.

use super::floor::{Scheme, Verdict};

/// The distributions whose package names are known, as `distribution` spells them.
pub const DISTRIBUTIONS: [&str; 4] = ["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04"];

/// One library.
pub struct Library {
    /// `DT_SONAME`.
    pub soname: &'static str,
    /// By [`DISTRIBUTIONS`]; empty where the release has no such library.
    pub packages: [&'static str; 4],
    scheme: Scheme,
}

impl Library {
    /// The package of one release; without a release, the names over all of them, without doubles.
    pub fn packages(&self, release: Option<usize>) -> Vec<&'static str> {
        let wanted =
            self.packages.iter().enumerate().filter(|(n, name)| !name.is_empty() && release.is_none_or(|r| r == *n));
        let mut names: Vec<&'static str> = Vec::new();
        for (_, name) in wanted {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names
    }

    /// What a symbol version of this library says.
    pub fn floor(&self, version: &str) -> Verdict {
        self.scheme.read(version)
    }

    const fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The versions are called after the release that brought them.
    const fn release(self, prefix: &'static str, epoch: &'static str) -> Self {
        self.scheme(Scheme::Release { prefix, epoch })
    }
}

/// The row of a soname.
pub fn row(soname: &str) -> Option<&'static Library> {
    TABLE.binary_search_by(|row| row.soname.cmp(soname)).ok().map(|n| &TABLE[n])
}

/// Whether the table has the soname.
pub fn knows(soname: &str) -> bool {
    row(soname).is_some()
}

/// The soname itself, or one of the same library with another number.
pub fn nearest(soname: &str) -> Option<&'static str> {
    let stem = |name: &'static str| name.split(".so").next();
    let wanted = soname.split(".so").next()?;
    let bare = |name: &str| name.trim_end_matches(|c: char| !c.is_alphabetic()).len();
    row(soname)
        .or_else(|| TABLE.iter().rfind(|row| stem(row.soname) == Some(wanted)))
        .or_else(|| TABLE.iter().rfind(|row| stem(row.soname).is_some_and(|s| s[..bare(s)] == wanted[..bare(wanted)])))
        .map(|row| row.soname)
}

/// The same package name everywhere.
const fn same(soname: &'static str, package: &'static str) -> Library {
    each(soname, [package; 4])
}

/// Renamed for the 64-bit `time_t`.
const fn renamed(soname: &'static str, old: &'static str, new: &'static str) -> Library {
    each(soname, [old, new, old, new])
}

/// A name for each of [`DISTRIBUTIONS`].
const fn each(soname: &'static str, packages: [&'static str; 4]) -> Library {
    Library { soname, packages, scheme: Scheme::Opaque }
}

/// Sorted by soname.
pub const TABLE: &[Library] = &[
    same("ld-linux-aarch64.so.1", "libc6").scheme(Scheme::Glibc),
    same("ld-linux-armhf.so.3", "libc6").scheme(Scheme::Glibc),
    same("ld-linux-loongarch-lp64d.so.1", "libc6").scheme(Scheme::Glibc),
    same("ld-linux-riscv64-lp64d.so.1", "libc6").scheme(Scheme::Glibc),
    same("ld-linux-x86-64.so.2", "libc6").scheme(Scheme::Glibc),
    same("ld-linux.so.2", "libc6").scheme(Scheme::Glibc),
    same("ld-linux.so.3", "libc6").scheme(Scheme::Glibc),
    same("ld.so.1", "libc6").scheme(Scheme::Glibc),
    same("ld64.so.1", "libc6").scheme(Scheme::Glibc),
    same("ld64.so.2", "libc6").scheme(Scheme::Glibc),
    same("libBrokenLocale.so.1", "libc6").scheme(Scheme::Glibc),
    same("libEGL.so.1", "libegl1"),
    same("libGL.so.1", "libgl1"),
    same("libGLU.so.1", "libglu1-mesa"),
    same("libGLX.so.0", "libglx0"),
    same("libOpenGL.so.0", "libopengl0"),
    same("libX11.so.6", "libx11-6"),
    same("libXau.so.6", "libxau6"),
    same("libXdmcp.so.6", "libxdmcp6"),
    same("libXext.so.6", "libxext6"),
    same("libXfixes.so.3", "libxfixes3"),
    same("libXft.so.2", "libxft2"),
    same("libXi.so.6", "libxi6"),
    same("libXrandr.so.2", "libxrandr2"),
    same("libXrender.so.1", "libxrender1"),
    renamed("libXt.so.6", "libxt6", "libxt6t64"),
    same("libacl.so.1", "libacl1"),
    each("libaio.so.1", ["libaio1", "", "libaio1", ""]),
    each("libaio.so.1t64", ["", "libaio1t64", "", "libaio1t64"]),
    same("libanl.so.1", "libc6").scheme(Scheme::Glibc),
    same("libapparmor.so.1", "libapparmor1"),
    renamed("libarchive.so.13", "libarchive13", "libarchive13t64"),
    same("libargon2.so.1", "libargon2-1"),
    same("libasan.so.8", "libasan8"),
    renamed("libasound.so.2", "libasound2", "libasound2t64"),
    each("libassuan.so.0", ["libassuan0", "", "libassuan0", "libassuan0"]),
    each("libassuan.so.9", ["", "libassuan9", "", ""]),
    same("libatomic.so.1", "libatomic1"),
    same("libattr.so.1", "libattr1"),
    same("libaudit.so.1", "libaudit1"),
    same("libavahi-client.so.3", "libavahi-client3"),
    same("libavahi-common.so.3", "libavahi-common3"),
    same("libblkid.so.1", "libblkid1").release("BLKID_", ""),
    same("libbrotlicommon.so.1", "libbrotli1"),
    same("libbrotlidec.so.1", "libbrotli1"),
    same("libbrotlienc.so.1", "libbrotli1"),
    same("libbsd.so.0", "libbsd0"),
    same("libbz2.so.1.0", "libbz2-1.0"),
    same("libc.musl-aarch64.so.1", "musl"),
    same("libc.musl-armhf.so.1", "musl"),
    same("libc.musl-x86_64.so.1", "musl"),
    same("libc.so", "musl"),
    same("libc.so.6", "libc6").scheme(Scheme::Glibc),
    same("libcairo.so.2", "libcairo2"),
    same("libcap-ng.so.0", "libcap-ng0"),
    same("libcap.so.2", "libcap2"),
    renamed("libcares.so.2", "libc-ares2", "libcares2"),
    same("libcom_err.so.2", "libcom-err2"),
    same("libcrypt.so.1", "libcrypt1"),
    renamed("libcrypto.so.3", "libssl3", "libssl3t64").release("OPENSSL_", ""),
    renamed("libcups.so.2", "libcups2", "libcups2t64"),
    renamed("libcurl-gnutls.so.4", "libcurl3-gnutls", "libcurl3t64-gnutls"),
    renamed("libcurl.so.4", "libcurl4", "libcurl4t64"),
    same("libdatrie.so.1", "libdatrie1"),
    renamed("libdb-5.3.so", "libdb5.3", "libdb5.3t64"),
    same("libdbus-1.so.3", "libdbus-1-3"),
    same("libdevmapper.so.1.02.1", "libdevmapper1.02.1"),
    same("libdl.so.2", "libc6").scheme(Scheme::Glibc),
    same("libdrm.so.2", "libdrm2"),
    renamed("libdw.so.1", "libdw1", "libdw1t64"),
    renamed("libe2p.so.2", "libext2fs2", "libext2fs2t64"),
    same("libedit.so.2", "libedit2"),
    renamed("libelf.so.1", "libelf1", "libelf1t64"),
    renamed("libevent-2.1.so.7", "libevent-2.1-7", "libevent-2.1-7t64"),
    renamed("libevent_core-2.1.so.7", "libevent-core-2.1-7", "libevent-core-2.1-7t64"),
    renamed("libevent_extra-2.1.so.7", "libevent-extra-2.1-7", "libevent-extra-2.1-7t64"),
    renamed("libevent_openssl-2.1.so.7", "libevent-openssl-2.1-7", "libevent-openssl-2.1-7t64"),
    renamed("libevent_pthreads-2.1.so.7", "libevent-pthreads-2.1-7", "libevent-pthreads-2.1-7t64"),
    same("libexpat.so.1", "libexpat1"),
    same("libexslt.so.0", "libxslt1.1"),
    renamed("libext2fs.so.2", "libext2fs2", "libext2fs2t64"),
    same("libfdisk.so.1", "libfdisk1").release("FDISK_", ""),
    same("libffi.so.8", "libffi8"),
    same("libfontconfig.so.1", "libfontconfig1"),
    same("libform.so.6", "libncurses6"),
    same("libformw.so.6", "libncursesw6"),
    same("libfreetype.so.6", "libfreetype6"),
    same("libfribidi.so.0", "libfribidi0"),
    renamed("libfuse.so.2", "libfuse2", "libfuse2t64"),
    each("libfuse3.so.3", ["libfuse3-3", "", "libfuse3-3", "libfuse3-3"]),
    each("libfuse3.so.4", ["", "libfuse3-4", "", ""]),
    same("libgcc_s.so.1", "libgcc-s1").scheme(Scheme::Gcc),
    same("libgcrypt.so.20", "libgcrypt20"),
    renamed("libgdbm.so.6", "libgdbm6", "libgdbm6t64"),
    renamed("libgdk-3.so.0", "libgtk-3-0", "libgtk-3-0t64"),
    same("libgdk_pixbuf-2.0.so.0", "libgdk-pixbuf-2.0-0"),
    same("libgfortran.so.5", "libgfortran5"),
    renamed("libgio-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
    renamed("libglib-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
    renamed("libgmodule-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
    same("libgmp.so.10", "libgmp10"),
    same("libgmpxx.so.4", "libgmpxx4ldbl"),
    renamed("libgnutls.so.30", "libgnutls30", "libgnutls30t64").release("GNUTLS_", ""),
    renamed("libgobject-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
    same("libgomp.so.1", "libgomp1"),
    same("libgpg-error.so.0", "libgpg-error0"),
    renamed("libgpgme.so.11", "libgpgme11", "libgpgme11t64"),
    same("libgpm.so.2", "libgpm2"),
    same("libgraphite2.so.3", "libgraphite2-3"),
    same("libgssapi_krb5.so.2", "libgssapi-krb5-2"),
    renamed("libgthread-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
    renamed("libgtk-3.so.0", "libgtk-3-0", "libgtk-3-0t64"),
    same("libharfbuzz.so.0", "libharfbuzz0b"),
    each("libhiredis.so.0.14", ["libhiredis0.14", "", "libhiredis0.14", ""]),
    each("libhiredis.so.1.1.0", ["", "libhiredis1.1.0", "", "libhiredis1.1.0"]),
    renamed("libhistory.so.8", "libreadline8", "libreadline8t64"),
    renamed("libhogweed.so.6", "libhogweed6", "libhogweed6t64"),
    each("libicudata.so.70", ["", "", "libicu70", ""]),
    each("libicudata.so.72", ["libicu72", "", "", ""]),
    each("libicudata.so.74", ["", "", "", "libicu74"]),
    each("libicudata.so.76", ["", "libicu76", "", ""]),
    each("libicui18n.so.70", ["", "", "libicu70", ""]),
    each("libicui18n.so.72", ["libicu72", "", "", ""]),
    each("libicui18n.so.74", ["", "", "", "libicu74"]),
    each("libicui18n.so.76", ["", "libicu76", "", ""]),
    each("libicuio.so.70", ["", "", "libicu70", ""]),
    each("libicuio.so.72", ["libicu72", "", "", ""]),
    each("libicuio.so.74", ["", "", "", "libicu74"]),
    each("libicuio.so.76", ["", "libicu76", "", ""]),
    each("libicutu.so.70", ["", "", "libicu70", ""]),
    each("libicutu.so.72", ["libicu72", "", "", ""]),
    each("libicutu.so.74", ["", "", "", "libicu74"]),
    each("libicutu.so.76", ["", "libicu76", "", ""]),
    each("libicuuc.so.70", ["", "", "libicu70", ""]),
    each("libicuuc.so.72", ["libicu72", "", "", ""]),
    each("libicuuc.so.74", ["", "", "", "libicu74"]),
    each("libicuuc.so.76", ["", "libicu76", "", ""]),
    same("libidn.so.12", "libidn12"),
    same("libidn2.so.0", "libidn2-0"),
    same("libitm.so.1", "libitm1"),
    same("libjansson.so.4", "libjansson4"),
    same("libjemalloc.so.2", "libjemalloc2"),
    each("libjpeg.so.62", ["libjpeg62-turbo", "libjpeg62-turbo", "", ""]),
    each("libjpeg.so.8", ["", "", "libjpeg-turbo8", "libjpeg-turbo8"]),
    same("libjson-c.so.5", "libjson-c5"),
    same("libjson-glib-1.0.so.0", "libjson-glib-1.0-0"),
    same("libk5crypto.so.3", "libk5crypto3"),
    same("libkeyutils.so.1", "libkeyutils1"),
    same("libkmod.so.2", "libkmod2").release("LIBKMOD_", ""),
    same("libkrb5.so.3", "libkrb5-3"),
    same("libkrb5support.so.0", "libkrb5support0"),
    same("libksba.so.8", "libksba8"),
    each("liblber-2.5.so.0", ["libldap-2.5-0", "", "libldap-2.5-0", ""]),
    each("liblber.so.2", ["", "libldap2", "", "libldap2"]),
    same("liblcms2.so.2", "liblcms2-2"),
    each("libldap-2.5.so.0", ["libldap-2.5-0", "", "libldap-2.5-0", ""]),
    each("libldap.so.2", ["", "libldap2", "", "libldap2"]),
    same("liblmdb.so.0", "liblmdb0"),
    same("liblsan.so.0", "liblsan0"),
    same("libltdl.so.7", "libltdl7"),
    same("liblua5.3.so.0", "liblua5.3-0"),
    same("liblua5.4.so.0", "liblua5.4-0"),
    same("libluajit-5.1.so.2", "libluajit-5.1-2"),
    same("liblz4.so.1", "liblz4-1"),
    same("liblzma.so.5", "liblzma5").release("XZ_", ""),
    same("liblzo2.so.2", "liblzo2-2"),
    same("libm.so.6", "libc6").scheme(Scheme::Glibc),
    renamed("libmagic.so.1", "libmagic1", "libmagic1t64"),
    same("libmariadb.so.3", "libmariadb3"),
    same("libmaxminddb.so.0", "libmaxminddb0"),
    same("libmd.so.0", "libmd0"),
    renamed("libmemcached.so.11", "libmemcached11", "libmemcached11t64"),
    same("libmenu.so.6", "libncurses6"),
    same("libmenuw.so.6", "libncursesw6"),
    renamed("libmicrohttpd.so.12", "libmicrohttpd12", "libmicrohttpd12t64"),
    same("libmnl.so.0", "libmnl0"),
    same("libmosquitto.so.1", "libmosquitto1"),
    same("libmount.so.1", "libmount1").release("MOUNT_", ""),
    same("libmpc.so.3", "libmpc3"),
    same("libmpfr.so.6", "libmpfr6"),
    same("libmvec.so.1", "libc6").scheme(Scheme::Glibc),
    each("libncurses.so.5", ["libncurses5", "", "libncurses5", ""]),
    same("libncurses.so.6", "libncurses6"),
    each("libncursesw.so.5", ["libncursesw5", "", "libncursesw5", ""]),
    same("libncursesw.so.6", "libncursesw6"),
    same("libnetfilter_conntrack.so.3", "libnetfilter-conntrack3"),
    renamed("libnettle.so.8", "libnettle8", "libnettle8t64"),
    same("libnfnetlink.so.0", "libnfnetlink0"),
    same("libnghttp2.so.14", "libnghttp2-14"),
    same("libnl-3.so.200", "libnl-3-200"),
    same("libnl-genl-3.so.200", "libnl-genl-3-200"),
    same("libnl-route-3.so.200", "libnl-route-3-200"),
    same("libnpth.so.0", "libnpth0"),
    same("libnsl.so.1", "libc6").scheme(Scheme::Glibc),
    same("libnspr4.so", "libnspr4"),
    same("libnss3.so", "libnss3"),
    same("libnss_compat.so.2", "libc6").scheme(Scheme::Glibc),
    same("libnss_dns.so.2", "libc6").scheme(Scheme::Glibc),
    same("libnss_files.so.2", "libc6").scheme(Scheme::Glibc),
    same("libnss_hesiod.so.2", "libc6").scheme(Scheme::Glibc),
    same("libnssutil3.so", "libnss3"),
    same("libnuma.so.1", "libnuma1"),
    same("libodbc.so.2", "libodbc2"),
    same("libodbcinst.so.2", "libodbcinst2"),
    same("libonig.so.5", "libonig5"),
    same("libopus.so.0", "libopus0"),
    same("libp11-kit.so.0", "libp11-kit0"),
    same("libpam.so.0", "libpam0g"),
    same("libpam_misc.so.0", "libpam0g"),
    same("libpamc.so.0", "libpam0g"),
    same("libpanel.so.6", "libncurses6"),
    same("libpanelw.so.6", "libncursesw6"),
    same("libpango-1.0.so.0", "libpango-1.0-0"),
    same("libpangocairo-1.0.so.0", "libpangocairo-1.0-0"),
    renamed("libpcap.so.0.8", "libpcap0.8", "libpcap0.8t64"),
    same("libpci.so.3", "libpci3"),
    each("libpcre.so.3", ["libpcre3", "", "libpcre3", "libpcre3"]),
    same("libpcre2-16.so.0", "libpcre2-16-0"),
    same("libpcre2-32.so.0", "libpcre2-32-0"),
    same("libpcre2-8.so.0", "libpcre2-8-0"),
    same("libpcre2-posix.so.3", "libpcre2-posix3"),
    same("libpipeline.so.1", "libpipeline1"),
    same("libpixman-1.so.0", "libpixman-1-0"),
    same("libplc4.so", "libnspr4"),
    same("libplds4.so", "libnspr4"),
    renamed("libpng16.so.16", "libpng16-16", "libpng16-16t64"),
    same("libpopt.so.0", "libpopt0"),
    same("libpq.so.5", "libpq5"),
    each("libproc2.so.0", ["libproc2-0", "libproc2-0", "", "libproc2-0"]),
    each("libprocps.so.8", ["", "", "libprocps8", ""]),
    renamed("libprofiler.so.0", "libgoogle-perftools4", "libgoogle-perftools4t64"),
    renamed("libpsl.so.5", "libpsl5", "libpsl5t64"),
    same("libpsx.so.2", "libcap2"),
    same("libpthread.so.0", "libc6").scheme(Scheme::Glibc),
    same("libpulse.so.0", "libpulse0"),
    each("libpython3.10.so.1.0", ["", "", "libpython3.10", ""]),
    each("libpython3.11.so.1.0", ["libpython3.11", "", "", ""]),
    each("libpython3.12.so.1.0", ["", "", "", "libpython3.12t64"]),
    each("libpython3.13.so.1.0", ["", "libpython3.13", "", ""]),
    same("libquadmath.so.0", "libquadmath0"),
    same("librabbitmq.so.4", "librabbitmq4"),
    same("librdkafka.so.1", "librdkafka1"),
    renamed("libreadline.so.8", "libreadline8", "libreadline8t64"),
    same("libresolv.so.2", "libc6").scheme(Scheme::Glibc),
    same("librt.so.1", "libc6").scheme(Scheme::Glibc),
    same("librtmp.so.1", "librtmp1"),
    same("libsasl2.so.2", "libsasl2-2"),
    same("libsctp.so.1", "libsctp1"),
    same("libseccomp.so.2", "libseccomp2"),
    same("libselinux.so.1", "libselinux1").release("LIBSELINUX_", ""),
    same("libsensors.so.5", "libsensors5"),
    same("libsepol.so.2", "libsepol2"),
    same("libslang.so.2", "libslang2"),
    same("libsmartcols.so.1", "libsmartcols1").release("SMARTCOLS_", ""),
    same("libsmime3.so", "libnss3"),
    same("libsnappy.so.1", "libsnappy1v5"),
    renamed("libsnmp.so.40", "libsnmp40", "libsnmp40t64"),
    same("libsodium.so.23", "libsodium23"),
    same("libsqlite3.so.0", "libsqlite3-0"),
    same("libss.so.2", "libss2"),
    same("libssh.so.4", "libssh-4"),
    renamed("libssh2.so.1", "libssh2-1", "libssh2-1t64"),
    renamed("libssl.so.3", "libssl3", "libssl3t64").release("OPENSSL_", ""),
    same("libssl3.so", "libnss3"),
    same("libstdc++.so.6", "libstdc++6").scheme(Scheme::Stdcxx),
    same("libsystemd.so.0", "libsystemd0").release("LIBSYSTEMD_", ""),
    same("libtasn1.so.6", "libtasn1-6"),
    renamed("libtcmalloc.so.4", "libgoogle-perftools4", "libgoogle-perftools4t64"),
    same("libthai.so.0", "libthai0"),
    same("libthread_db.so.1", "libc6").scheme(Scheme::Glibc),
    same("libtic.so.6", "libtinfo6"),
    each("libtiff.so.5", ["", "", "libtiff5", ""]),
    each("libtiff.so.6", ["libtiff6", "libtiff6", "", "libtiff6"]),
    each("libtinfo.so.5", ["libtinfo5", "", "libtinfo5", ""]),
    same("libtinfo.so.6", "libtinfo6"),
    renamed("libtirpc.so.3", "libtirpc3", "libtirpc3t64"),
    same("libtsan.so.2", "libtsan2"),
    same("libubsan.so.1", "libubsan1"),
    same("libudev.so.1", "libudev1").release("LIBUDEV_", ""),
    each("libunistring.so.2", ["libunistring2", "", "libunistring2", ""]),
    each("libunistring.so.5", ["", "libunistring5", "", "libunistring5"]),
    same("libunwind.so.8", "libunwind8"),
    renamed("liburcu.so.8", "liburcu8", "liburcu8t64"),
    same("liburing.so.2", "liburing2"),
    same("libusb-1.0.so.0", "libusb-1.0-0"),
    same("libutil.so.1", "libc6").scheme(Scheme::Glibc),
    same("libuuid.so.1", "libuuid1").release("UUID_", ""),
    renamed("libuv.so.1", "libuv1", "libuv1t64"),
    same("libwayland-client.so.0", "libwayland-client0"),
    same("libwebp.so.7", "libwebp7"),
    same("libwrap.so.0", "libwrap0"),
    each("libwx_baseu-3.2.so.0", ["libwxbase3.2-1", "libwxbase3.2-1t64", "", "libwxbase3.2-1t64"]),
    each("libwx_gtk3u_core-3.2.so.0", ["libwxgtk3.2-1", "libwxgtk3.2-1t64", "", "libwxgtk3.2-1t64"]),
    same("libxcb.so.1", "libxcb1"),
    same("libxkbcommon.so.0", "libxkbcommon0"),
    same("libxml2.so.2", "libxml2").release("LIBXML2_", ""),
    same("libxslt.so.1", "libxslt1.1"),
    same("libxxhash.so.0", "libxxhash0"),
    same("libyajl.so.2", "libyajl2"),
    same("libyaml-0.so.2", "libyaml-0-2"),
    same("libz.so.1", "zlib1g").release("ZLIB_", "1:"),
    same("libzmq.so.5", "libzmq5"),
    same("libzstd.so.1", "libzstd1"),
];
