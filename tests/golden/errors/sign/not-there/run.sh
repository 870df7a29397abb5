fitout keys show
