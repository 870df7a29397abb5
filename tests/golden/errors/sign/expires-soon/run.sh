fitout keys new --quiet --out new.asc --name "Ops <ops@example.org>" --expires 30d >/dev/null
fitout keys show new.asc >/dev/null 2>said
code=$?
sed -E "s/[0-9A-F]{40}/FINGERPRINT/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DATE/g; s/in (29|30) days/in SOME days/" said >&2
exit $code
