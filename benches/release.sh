#!/usr/bin/env bash
# An OTP release assembled by fitout against warm `mix release`: the same project in turn, medians.
# usage: benches/release.sh [ROUNDS=5]
#   FITOUT    the program; by default target/release/fitout, built if it is not there
# mix assembles; fitout assembles and packs a tarball without compression; again it finds that all is there.
set -euo pipefail
export LC_ALL=C.UTF-8 MIX_ENV=prod ERL_COMPILER_OPTIONS=deterministic

rounds=${1:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
fitout=${FITOUT:-$root/target/release/fitout}
[ -x "$fitout" ] || (cd "$root" && cargo build --release --locked --quiet)
work=$(mktemp -d "${TMPDIR:-/tmp}/fitout-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir lib config
cp "$root"/tests/install/otp/mix/mix.exs .
cp "$root"/tests/install/otp/mix/heron.ex lib/
cp "$root"/tests/install/otp/mix/runtime.exs config/
echo "0.3.1" >VERSION
cat >fitout.toml <<'TOML'
[package]
name       = "heron-line"
version    = { from = "release" }
summary    = "Tells what it is"
maintainer = "Bench <bench@example.org>"
license    = "MIT"
[build]
formats = ["tarball"]
[format.tarball]
compression = "none"
[release]
applications = { heron = "permanent" }
TOML

step_mix() { mix release heron_line --overwrite --quiet; }
step_fitout() { "$fitout" -q build --no-cache >/dev/null; }
step_again() { "$fitout" -q build >/dev/null; }

for step in mix fitout again; do "step_$step"; done
TIMEFORMAT='%3R %3U %3S'
for _ in $(seq "$rounds"); do
	for step in mix fitout again; do
		# Removed later: what the file system does behind a removal is not to be counted.
		[ "$step" != fitout ] || mv _build/fitout "$(mktemp -d trash.XXXX)"
		{ time "step_$step" >/dev/null 2>&1; } 2>"$work/time"
		echo "$step $(cat "$work/time")" >>"$work/times"
	done
done
median() { # step, expression
	# shellcheck disable=SC2016 # the expression is awk's
	awk -v step="$1" '$1 == step { print '"$2"' }' "$work/times" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
for step in mix fitout again; do
	# shellcheck disable=SC2016
	printf '%-8s %5.2f s, %5.2f s of CPU time\n' "$step" "$(median "$step" '$2')" "$(median "$step" '$3 + $4')"
done
