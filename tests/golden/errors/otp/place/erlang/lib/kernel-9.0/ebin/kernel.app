{application, kernel, [{vsn, "9.0"}, {modules, []}]}.
