defmodule Fitout do
  @moduledoc """
  A step of `mix release` that makes packages of the release: deb, rpm, tarball, zip and OCI image.

      # mix.exs
      releases: [
        hello: [
          steps: [:assemble, &Fitout.package/1],
          fitout: [maintainer: "Ops Team <ops@example.org>", license: "Apache-2.0"]
        ]
      ]

  The step runs the program `fitout`, which has to be installed. Where the project has a `fitout.toml`, that
  file says everything. Where it has none, name, version, description, maintainer, licence and links come from
  `mix.exs`, and the application is packaged as a service.

  Options under `:fitout` of a release:

    * `:maintainer` - `Name <mail>`; else the first of `package: [maintainers: ...]` that has such a form
    * `:license` - an SPDX expression; else the one of `package: [licenses: ...]`
    * `:summary` - one line; else the first sentence of `:description`
    * `:name` - of the package; else that of the release, with `-` for `_`
    * `:service` - `false` where nothing is to be started; else a keyword list of keys of `[[service]]`, such as
      `[ports: ["4000"], env_file: "/etc/hello/env"]`
    * `:formats` - such as `["deb", "oci"]`; all of them unless set
    * `:config` - the config file; `fitout.toml` unless set
    * `:out` - folder of the artifacts; `dist` unless set
    * `:environment` - the overlay `[environment.NAME]` of the config file
    * `:program` - path of `fitout`; looked up on the `PATH` unless set
    * `:args` - further arguments of `fitout build`
  """

  alias Fitout.Config

  @doc """
  Makes the packages of an assembled release, and hands it on.

  Raises `Mix.Error` where `fitout` is not there, does not make the packages, or where neither `mix.exs` nor an
  option says something that a package must say.
  """
  @spec package(Mix.Release.t()) :: Mix.Release.t()
  def package(%Mix.Release{} = release) do
    options = options(release)
    program = program(options)

    arguments =
      ["build", "--config", config(release, options), "--input", release.path] ++
        ["--out", Path.expand(options[:out] || "dist")] ++
        flag("--format", options[:formats] && Enum.join(options[:formats], ",")) ++
        flag("--environment", options[:environment]) ++
        (options[:args] || [])

    # Paths of artifacts come on standard output, all else on standard error, which is ours.
    case System.cmd(program, arguments, into: IO.stream(:stdio, :line)) do
      {_, 0} ->
        release

      {_, status} ->
        Mix.raise(
          "fitout made no packages of the release #{release.name}: it ended with status #{status}"
        )
    end
  end

  @keys [
    :maintainer,
    :license,
    :summary,
    :name,
    :service,
    :formats,
    :config,
    :out,
    :environment,
    :program,
    :args
  ]

  defp options(release) do
    options = release.options[:fitout] || []

    for {key, _} <- options, key not in @keys do
      Mix.raise(
        "the release #{release.name} has no option `fitout: [#{key}: ...]`; there are #{inspect(@keys)}"
      )
    end

    options
  end

  defp program(options) do
    named = options[:program] || "fitout"

    System.find_executable(named) ||
      Mix.raise(
        "cannot find the program `#{named}`: install fitout, or name it by `fitout: [program: ...]` of the release"
      )
  end

  defp config(release, options) do
    typed = options[:config]
    file = Path.expand(typed || "fitout.toml")

    cond do
      File.regular?(file) ->
        file

      typed ->
        Mix.raise(
          "there is no `#{typed}`, which `fitout: [config: ...]` of the release #{release.name} names"
        )

      true ->
        path = Path.join([Mix.Project.build_path(), "fitout", "#{release.name}", "fitout.toml"])
        File.mkdir_p!(Path.dirname(path))
        File.write!(path, Config.text(release, Mix.Project.config(), options))
        path
    end
  end

  defp flag(_, nil), do: []
  defp flag(name, value), do: [name, to_string(value)]
end
