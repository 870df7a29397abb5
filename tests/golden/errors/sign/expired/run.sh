fitout keys show old.asc >/dev/null
