fitout keys show short.asc dsa.asc sha1.asc half.asc >/dev/null
