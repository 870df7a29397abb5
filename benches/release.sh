#!/usr/bin/env bash
# An OTP release assembled by fitout against warm `mix release`: wall times of the same project in turn, medians.
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
for _ in $(seq "$rounds"); do
	for step in mix fitout again; do
		[ "$step" != fitout ] || rm -rf _build/fitout
		begin=$(date +%s%N)
		"step_$step"
		echo "$step $((($(date +%s%N) - begin) / 1000000))"
	done
done >"$work/times"
for step in mix fitout again; do
	printf '%-8s %6d ms\n' "$step" "$(awk -v step="$step" '$1 == step { print $2 }' "$work/times" | sort -n | sed -n "$(((rounds + 1) / 2))p")"
done
