defmodule Fitout.ConfigTest do
  use ExUnit.Case, async: true

  @release %{name: :hello_web, version: "1.4.0-rc.1"}
  @project [
    description: "Greets \"people\".\n Over HTTP.\n",
    source_url: "https://example.org/hello",
    package: [maintainers: ["Jane", "Ops Team <ops@example.org>"], licenses: ["Apache-2.0"]]
  ]

  test "mix.exs says what a package must say" do
    text =
      Fitout.Config.text(@release, @project,
        service: [ports: ["4000"], env_file: "/etc/hello/env", ready: [port: 4000]]
      )

    assert text == """
           # Made from mix.exs by the release step of fitout; a fitout.toml in the project takes its place.

           [package]
           name = "hello-web"
           version = "1.4.0-rc.1"
           summary = "Greets \\"people\\""
           description = "Greets \\"people\\".\\u000A Over HTTP."
           maintainer = "Ops Team <ops@example.org>"
           license = "Apache-2.0"
           repository = "https://example.org/hello"

           [build]
           preset = "otp"

           [[service]]
           ports = ["4000"]
           env-file = "/etc/hello/env"
           ready = { "port" = 4000 }

           """
  end

  test "options are stronger, and a service may be left out" do
    options = [
      name: "other",
      summary: "Else",
      maintainer: "A <a@b.c>",
      license: "MIT",
      service: false
    ]

    text = Fitout.Config.text(@release, @project, options)

    for line <- [
          "name = \"other\"",
          "summary = \"Else\"",
          "maintainer = \"A <a@b.c>\"",
          "license = \"MIT\""
        ],
        do: assert(text =~ line)

    refute text =~ "service"
  end

  test "what is missing is told, with where it may be put" do
    assert_raise Mix.Error, ~r/maintainer.*hello_web/, fn ->
      Fitout.Config.text(@release, [], [])
    end

    project = [package: [maintainers: ["A <a@b.c>"], licenses: ["MIT", "Apache-2.0"]]]
    assert_raise Mix.Error, ~r/licence.*SPDX/, fn -> Fitout.Config.text(@release, project, []) end
  end
end
