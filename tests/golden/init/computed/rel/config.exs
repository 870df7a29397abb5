use Mix.Releases.Config, default_release: :odd
for name <- [:a, :b] do
  release name do
    set version: "1"
  end
end
release String.to_atom("x") do
  set version: "1"
end
