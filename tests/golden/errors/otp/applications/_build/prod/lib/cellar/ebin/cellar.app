{application, cellar,
 [{vsn, "1.0.0",
  {modules, []}]}.
