{application, garden, [{vsn, "1.0.0"}]}.
