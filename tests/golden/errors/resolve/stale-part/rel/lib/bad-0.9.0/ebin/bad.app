{application, bad, [{vsn,"0.9.0"},{modules,[]}]}.
