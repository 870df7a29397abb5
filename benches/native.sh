#!/usr/bin/env bash
# fitout against the native tools: five formats of one tree, gzip level 6 everywhere.
# usage: benches/native.sh [ROUNDS=3] [TREE]
#   TREE      a folder to package; by default a copy of what Debian packages installed here, about 250 MB
#   FITOUT    the program; by default target/release/fitout, built if it is not there
#   TMPDIR    needs 1.5 GB; all is removed at the end
# All steps of a round run in turn, so that whatever else the machine does hits all alike. See README.md.
set -euo pipefail
export LC_ALL=C

rounds=${1:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
fitout=${FITOUT:-$root/target/release/fitout}
if [ ! -x "$fitout" ]; then
	(cd "$root" && cargo build --release --locked --quiet)
fi

for tool in tar gzip dpkg-deb rpmbuild zip umoci md5sum /usr/bin/time; do
	command -v "$tool" >/dev/null || { echo "native.sh: $tool is not installed" >&2; exit 2; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/fitout-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# What applications ship: byte code, scripts, text, shared libraries; small files and large ones.
parts=(
	/usr/lib/erlang /usr/lib/elixir
	/usr/lib/python3 /usr/lib/python3.[0-9]*
	/usr/share/perl /usr/share/perl5 /usr/lib/*-linux-gnu/perl /usr/lib/*-linux-gnu/perl5
	/usr/share/vim /usr/lib/git-core
)
if [ $# -ge 2 ]; then
	tree=$(realpath "$2")
else
	tree=$work/tree
	mkdir "$tree"
	for part in "${parts[@]}"; do
		[ -d "$part" ] || continue
		mkdir -p "$tree$(dirname "$part")"
		cp -a "$part" "$tree$part"
	done
	# Links that leave the copy are refused by fitout and copied as they are by the others: neither is measured.
	find "$tree" -xtype l -delete
	find "$tree" -lname '/*' -delete
fi

out=$work/out
project=$work/project
stage=$work/stage
mkdir -p "$out" "$project" "$stage/DEBIAN"
export tree out project stage fitout

cat >"$project/fitout.toml" <<TOML
[package]
name       = "fitout-bench"
version    = "1.0"
summary    = "A tree of many files"
maintainer = "Bench <bench@example.org>"
license    = "Apache-2.0"

[build]
preset  = "plain"
formats = ["deb", "rpm", "tarball", "zip", "oci"]

[[files]]
from = "tree"
to   = "/opt/fitout-bench"
TOML
cp -al "$tree" "$project/tree" 2>/dev/null || cp -a "$tree" "$project/tree"

# dpkg-deb wants the control folder inside the tree: hard links, so nothing is copied.
cp -al "$tree/." "$stage/" 2>/dev/null || cp -a "$tree/." "$stage/"
cat >"$stage/DEBIAN/control" <<CONTROL
Package: fitout-bench
Version: 1.0
Architecture: all
Maintainer: Bench <bench@example.org>
Description: A tree of many files
CONTROL

# Nothing that fitout does not do either: no stripping, no byte compiling, no dependency scan.
cat >"$out/bench.spec" <<SPEC
%global debug_package %{nil}
%global __os_install_post %{nil}
%global __spec_install_post %{nil}
%global _build_id_links none
%define _binary_payload w6.gzdio
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
cp -al $project/tree/. %{buildroot}/
%files
/*
SPEC

step_fitout() { "$fitout" -q -C "$project" build --no-cache --out "$out/dist" >/dev/null; }
step_tarball() { tar --sort=name --numeric-owner --owner=0 --group=0 -C "$tree" -cf - . | gzip -n -6 >"$out/o.tar.gz"; }
# A deb carries the MD5 of every file: debhelper's part of the work.
step_deb() {
	(cd "$stage" && find . -path ./DEBIAN -prune -o -type f -print0 | sort -z | xargs -0 md5sum | sed 's, \./, ,' >DEBIAN/md5sums)
	dpkg-deb --root-owner-group -Zgzip -z6 -b "$stage" "$out/o.deb" >/dev/null
}
step_rpm() {
	rpmbuild -bb --quiet --define "_topdir $out/rpm" --define "_rpmdir $out" --define "_rpmfilename o.rpm" \
		"$out/bench.spec" >/dev/null 2>"$out/rpm.log"
}
step_zip() {
	rm -f "$out/o.zip"
	(cd "$tree" && zip -qry -6 "$out/o.zip" .)
}
step_oci() {
	rm -rf "$out/oci"
	umoci init --layout "$out/oci"
	umoci new --image "$out/oci:bench"
	umoci insert --image "$out/oci:bench" "$tree" /opt/fitout-bench >/dev/null
}
steps=(fitout tarball deb rpm zip oci)
for step in "${steps[@]}"; do export -f "step_${step?}"; done

bytes_of() {
	case $1 in
		fitout) find "$out/dist" -type f -printf '%s\n' ;;
		tarball) stat -c %s "$out/o.tar.gz" ;;
		oci) find "$out/oci" -type f -printf '%s\n' ;;
		*) stat -c %s "$out/o.$1" ;;
	esac | awk '{ sum += $1 } END { print sum }'
}

find "$tree" -printf '%y %s\n' | awk '
	$1 == "f" { files++; bytes += $2 }
	END { printf "%d files, %.1f MB, %d other entries\n", files, bytes / 1e6, NR - files }'

# One run that is not counted: all of the tree is in the page cache afterwards.
step_fitout
: >"$work/times"
for ((round = 1; round <= rounds; round++)); do
	for step in "${steps[@]}"; do
		/usr/bin/time -o "$work/time" -f '%e %U %S %M' bash -euo pipefail -c "step_$step" || {
			echo "native.sh: step $step failed" >&2
			[ "$step" = rpm ] && cat "$out/rpm.log" >&2
			exit 1
		}
		echo "$step $(tail -n 1 "$work/time") $(bytes_of "$step")" >>"$work/times"
	done
done

# The median of the rounds for each step and column.
awk -v steps="${steps[*]}" '
	function median(step, column,    n, i, j, swap, list) {
		n = count[step]
		for (i = 1; i <= n; i++) list[i] = value[step, i, column]
		for (i = 1; i < n; i++) for (j = i + 1; j <= n; j++)
			if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function row(name, cpu, wall, rss, bytes) {
		printf "%-20s %8.2f %8.2f %10.0f %9.1f\n", name, cpu, wall, rss / 1024, bytes / 1e6
	}
	{
		n = ++count[$1]
		value[$1, n, "cpu"] = $3 + $4; value[$1, n, "wall"] = $2; value[$1, n, "rss"] = $5; value[$1, n, "bytes"] = $6
	}
	END {
		name["fitout"] = "fitout, all five"; name["tarball"] = "tar | gzip -6"; name["deb"] = "md5sum, dpkg-deb"
		name["rpm"] = "rpmbuild"; name["zip"] = "zip -6"; name["oci"] = "umoci insert"
		printf "%-20s %8s %8s %10s %9s\n", "", "CPU s", "wall s", "peak MiB", "MB"
		total = split(steps, order, " ")
		for (i = 1; i <= total; i++) {
			s = order[i]
			cpu = median(s, "cpu"); wall = median(s, "wall"); rss = median(s, "rss"); bytes = median(s, "bytes")
			row(name[s], cpu, wall, rss, bytes)
			if (s == "fitout") { own_cpu = cpu; own_wall = wall; own_bytes = bytes }
			else { sum_cpu += cpu; sum_wall += wall; sum_bytes += bytes; if (rss > most) most = rss }
		}
		row("native, sum", sum_cpu, sum_wall, most, sum_bytes)
		printf "%-20s %8.2f %8.2f %10s %9.3f\n", "fitout / native", own_cpu / sum_cpu, own_wall / sum_wall, "", own_bytes / sum_bytes
	}' "$work/times"
