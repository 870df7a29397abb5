#!/usr/bin/env bash
# How many instructions a build takes: for regressions, because it hardly depends on what else the machine does.
# usage: benches/instructions.sh
#   FITOUT    the program; by default target/release/fitout, built if it is not there
# Prints thousands of instructions, by callgrind, of five formats of a small tree: cold, warm, and with nothing changed.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
fitout=${FITOUT:-$root/target/release/fitout}
# shellcheck source=benches/trees.sh
. "$root/benches/trees.sh"
if [ ! -x "$fitout" ]; then
	(cd "$root" && cargo build --release --locked --quiet)
fi
command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/fitout-instructions.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
tree_small "$work/tree"
bench_config tree >"$work/fitout.toml"

count() { # label, folder of the artifacts
	valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.out" "$fitout" -q -C "$work" build --jobs 1 --out "$work/$2" \
		--cache-dir "$work/cache" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
	awk -v label="$1" '/^(summary|totals):/ { sum = $2 } END { printf "%-32s %12.0f\n", label, sum / 1000 }' "$work/callgrind.out"
}

sleep 0.1
count "cold, the cache is filled" dist
count "warm, packed again" again
count "nothing changed" again
