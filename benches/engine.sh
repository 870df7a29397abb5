#!/usr/bin/env bash
# What the cache of compressed content saves: five formats of three trees, gzip level 6.
# usage: benches/engine.sh [ROUNDS=5] [TREE ...]
#   TREE      main (what Debian packages installed here), tiny (100,000 files of about 0.65 KB), big (one 2 GiB file), or a
#             folder; main and tiny unless named
#   FITOUT    the program; by default target/release/fitout, built if it is not there
#   BEFORE    another build of it, measured cold in the same rounds
#   TMPDIR    needs 3 GB, with big 20 GB; all is removed at the end
# All steps of a round run in turn, so that whatever else the machine does hits all alike. See README.md.
set -euo pipefail
export LC_ALL=C

rounds=${1:-5}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- main tiny
root=$(cd "$(dirname "$0")/.." && pwd)
fitout=${FITOUT:-$root/target/release/fitout}
if [ ! -x "$fitout" ]; then
	(cd "$root" && cargo build --release --locked --quiet)
fi
command -v /usr/bin/time >/dev/null || { echo "engine.sh: GNU time is not installed" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/fitout-engine.XXXXXX")
trap 'rm -rf "$work"' EXIT

# What applications ship: byte code, scripts, text, shared libraries; small files and large ones.
tree_main() {
	local part parts=(
		/usr/lib/erlang /usr/lib/elixir
		/usr/lib/python3 /usr/lib/python3.[0-9]*
		/usr/share/perl /usr/share/perl5 /usr/lib/*-linux-gnu/perl /usr/lib/*-linux-gnu/perl5
		/usr/share/vim /usr/lib/git-core
	)
	for part in "${parts[@]}"; do
		[ -d "$part" ] || continue
		mkdir -p "$1$(dirname "$part")"
		cp -a "$part" "$1$part"
	done
	# Links that leave the copy are refused.
	find "$1" -xtype l -delete
	find "$1" -lname '/*' -delete
}

# Lines of words with a number each: they compress like text, and no two files are the same.
tree_tiny() {
	awk -v top="$1" 'BEGIN {
		srand(1)
		split("alpha beta gamma delta value config error return import module string number", word, " ")
		for (i = 0; i < 100000; i++) {
			folder = top "/d" int(i / 500)
			if (i % 500 == 0) system("mkdir -p " folder)
			file = folder "/f" i ".txt"
			for (line = 0; line < 20; line++)
				printf "%s %s %s %d\n", word[1 + int(rand() * 12)], word[1 + int(rand() * 12)], word[1 + int(rand() * 12)], int(rand() * 1e6) > file
			close(file)
		}
	}'
}

# 2 GiB that compress to about a half.
tree_big() {
	openssl enc -aes-128-ctr -pass pass:fitout -nosalt -md sha256 </dev/zero 2>/dev/null | base64 -w 0 | head -c 2147483648 >"$1/big"
}

run() { # step, program, arguments of build
	local step=$1 program=$2
	shift 2
	rm -rf "$work/dist"
	measured "$step" "$program" "$@"
}

measured() { # the same, over what is there
	local step=$1 program=$2
	shift 2
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$program" -q -C "$work/project" build --out "$work/dist" \
		--cache-dir "$work/cache" --cache-size 50G "$@" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
	echo "$step $(tail -n 1 "$work/time")" >>"$work/times"
}

change() { # every 100th file gets a line more
	find "$work/project/tree" -type f | sort | awk 'NR % 100 == 0' >"$work/changed"
	while IFS= read -r file; do
		chmod u+w "$file"
		printf 'changed %s\n' "$1" >>"$file"
	done <"$work/changed"
	# What was written in the last moment is not trusted, as another change of it would not show.
	sleep 0.1
}

for name; do
	rm -rf "$work/project" "$work/cache"
	mkdir -p "$work/project/tree"
	case $name in
		main | tiny | big) "tree_$name" "$work/project/tree" ;;
		*) cp -a "$name/." "$work/project/tree/" ;;
	esac
	cat >"$work/project/fitout.toml" <<TOML
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
	find "$work/project/tree" -printf '%y %s\n' | awk -v name="$name" '
		$1 == "f" { files++; bytes += $2 }
		END { printf "%s: %d files, %.1f MB, %d other entries\n", name, files, bytes / 1e6, NR - files }'
	# One run that is not counted: all of the tree is in the page cache afterwards.
	run warming "$fitout" --no-cache
	: >"$work/times"
	for ((round = 1; round <= rounds; round++)); do
		[ -z "${BEFORE:-}" ] || run before "$BEFORE" --no-cache
		run without "$fitout" --no-cache
		rm -rf "$work/cache"
		run cold "$fitout"
		run warm "$fitout"
		change "$round"
		run changed "$fitout"
		measured same "$fitout"
	done
	# The median of the rounds for each step and column.
	awk '
		function median(step, column,    n, i, j, swap, list) {
			n = count[step]
			for (i = 1; i <= n; i++) list[i] = value[step, i, column]
			for (i = 1; i < n; i++) for (j = i + 1; j <= n; j++)
				if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
			return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		}
		{
			n = ++count[$1]
			value[$1, n, "wall"] = $2; value[$1, n, "cpu"] = $3 + $4; value[$1, n, "rss"] = $5
		}
		END {
			label["before"] = "the other build"; label["without"] = "without cache"; label["cold"] = "cold, cache is filled"
			label["warm"] = "warm, nothing changed, packed again"; label["changed"] = "every 100th file changed"
			label["same"] = "nothing changed, artifacts are kept"
			printf "%-38s %8s %8s %10s %8s\n", "", "CPU s", "wall s", "peak MiB", "CPU"
			total = split("before without cold warm changed same", order, " ")
			for (i = 1; i <= total; i++) if (count[order[i]]) {
				s = order[i]
				printf "%-38s %8.2f %8.2f %10.0f %8.3f\n", label[s], median(s, "cpu"), median(s, "wall"), median(s, "rss") / 1024,
					median(s, "cpu") / median("without", "cpu")
			}
		}' "$work/times"
done
