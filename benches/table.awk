# Lines of step, wall, user, system, KiB, bytes -> a table of the medians, and the ratios that are looked at.
function median(step, column,    n, i, j, swap, list) {
	n = count[step]
	for (i = 1; i <= n; i++) list[i] = value[step, i, column]
	for (i = 1; i < n; i++) for (j = i + 1; j <= n; j++)
		if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function sum(steps, column,    list, n, i, total) {
	n = split(steps, list, " ")
	for (i = 1; i <= n; i++) { if (!count[list[i]]) return 0; total += median(list[i], column) }
	return total
}
function ratio(label, own, others, column,    a, b) {
	a = sum(own, column); b = sum(others, column)
	if (a && b) printf "%-58s %8.3f  1/%.1f\n", label, a / b, b / a
}
function size(label, own, other,    a, b) {
	if (!count[own] || !count[other]) return
	a = median(own, "bytes"); b = median(other, "bytes")
	printf "%-58s %+7.2f %%\n", label, (a / b - 1) * 100
}
{
	n = ++count[$1]
	value[$1, n, "wall"] = $2; value[$1, n, "cpu"] = $3 + $4; value[$1, n, "rss"] = $5; value[$1, n, "bytes"] = $6
	if (n == 1 && $1 !~ /^own\./) order[++steps] = $1
}
END {
	label["fitout"] = "fitout, all five, without cache"; label["tarball"] = "tar | gzip -6"; label["deb"] = "md5sum, dpkg-deb -Zgzip -z6"
	label["rpm"] = "rpmbuild w6.gzdio"; label["zip"] = "zip -6"; label["oci"] = "umoci insert"; label["pigz"] = "tar | pigz -6"
	label["cold"] = "fitout, all five, the cache is filled"; label["warm"] = "fitout, nothing changed, packed again"
	label["changed"] = "fitout, every 100th file changed"; label["same"] = "fitout, nothing changed, artifacts are kept"
	label["fitout_deb"] = "fitout, deb"; label["fitout_rpm"] = "fitout, rpm"; label["fitout_both"] = "fitout, deb and rpm"
	label["nfpm_deb"] = "nfpm, deb gzip:6"; label["nfpm_rpm"] = "nfpm, rpm gzip:6"
	label["fitout_zstd"] = "fitout, deb, rpm and tarball, zstd:3"; label["tarball_zstd"] = "tar | zstd -3"
	label["deb_zstd"] = "md5sum, dpkg-deb -Zzstd -z3"; label["rpm_zstd"] = "rpmbuild w3.zstdio"
	printf "%-44s %8s %8s %9s %9s\n", "", "CPU s", "wall s", "peak MiB", "MB"
	for (i = 1; i <= steps; i++) {
		s = order[i]
		printf "%-44s %8.2f %8.2f %9.0f %9.1f\n", label[s], median(s, "cpu"), median(s, "wall"), median(s, "rss") / 1024, median(s, "bytes") / 1e6
	}
	native = "tarball deb rpm zip oci"
	print ""
	ratio("five formats against the five native tools, CPU", "fitout", native, "cpu")
	ratio("five formats against tar | pigz -6, wall", "fitout", "pigz", "wall")
	ratio("every 100th file changed against the native tools, CPU", "changed", native, "cpu")
	ratio("deb against nfpm, CPU", "fitout_deb", "nfpm_deb", "cpu")
	ratio("rpm against nfpm, CPU", "fitout_rpm", "nfpm_rpm", "cpu")
	ratio("deb and rpm against nfpm, CPU", "fitout_both", "nfpm_deb nfpm_rpm", "cpu")
	ratio("zstd:3, three formats against the native tools, CPU", "fitout_zstd", "tarball_zstd deb_zstd rpm_zstd", "cpu")
	size("tarball, bytes against tar | gzip -6", "own.tar.gz", "tarball")
	size("deb, bytes against dpkg-deb", "own.deb", "deb")
	size("rpm, bytes against rpmbuild", "own.rpm", "rpm")
	size("zip, bytes against zip -6", "own.zip", "zip")
	size("image, bytes against dpkg-deb, which gzips the same tar", "own.oci.tar", "deb")
}
