{application, kernel, [{vsn,"9.2"},{modules,[]}]}.
