defmodule Odd.MixProject do
  use Mix.Project
  def project, do: [app: :odd, version: "1.0.0", releases: Odd.Releases.all()]
end
