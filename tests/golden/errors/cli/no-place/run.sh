fitout repo list ftp://packages.example.org
