# The trees that are packaged; sourced by run.sh.
# shellcheck shell=bash

# What applications ship, as Debian packages installed it here: byte code, scripts, text, shared libraries; small and large.
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
	# Links that leave the copy are refused by fitout and copied as they are by the others: neither is measured.
	find "$1" -xtype l -delete
	find "$1" -lname '/*' -delete
}

# 100,000 files of about 0.65 KB. Lines of words with a number each: they compress like text, and no two files are the same.
tree_tiny() { lines_of "$1" 100000; }

# A hundredth of that, and one larger file: for counting instructions.
tree_small() {
	lines_of "$1" 1000
	seq 1 300000 >"$1/numbers"
}

lines_of() {
	awk -v top="$1" -v count="$2" 'BEGIN {
		srand(1)
		split("alpha beta gamma delta value config error return import module string number", word, " ")
		for (i = 0; i < count; i++) {
			folder = top "/d" int(i / 500)
			if (i % 500 == 0) system("mkdir -p " folder)
			file = folder "/f" i ".txt"
			for (line = 0; line < 20; line++)
				printf "%s %s %s %d\n", word[1 + int(rand() * 12)], word[1 + int(rand() * 12)], word[1 + int(rand() * 12)], int(rand() * 1e6) > file
			close(file)
		}
	}'
}

# One file of 2 GiB that compresses to about three quarters.
tree_big() { noise big | base64 -w 0 | head -c 2147483648 >"$1/big" || true; }

# 20 files of 512 MiB, 10 GiB in all, of lines that each stand there three times: for the memory that they take.
tree_huge() {
	local part
	for part in $(seq 20); do
		noise "$part" | base64 | sed 'p;p' | head -c 536870912 >"$1/part$part" || true
	done
}

noise() { openssl enc -aes-128-ctr -pass "pass:fitout $1" -nosalt -md sha256 </dev/zero 2>/dev/null; }

# What is made of a tree.
bench_config() { # folder of the tree, from the config; tables for formats
	cat <<TOML
[package]
name       = "fitout-bench"
version    = "1.0"
summary    = "A tree of many files"
maintainer = "Bench <bench@example.org>"
license    = "Apache-2.0"

[build]
preset  = "plain"
formats = ["deb", "rpm", "tarball", "zip", "oci"]
${2:-}
[[files]]
from = "$1"
to   = "/opt/fitout-bench"
TOML
}
