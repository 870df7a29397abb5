{application, crypt,
 [{description, "no version"},
  {modules, []}]}.
