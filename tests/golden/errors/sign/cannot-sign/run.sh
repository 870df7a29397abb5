fitout keys show cert.asc >/dev/null
