// bench: figures of this machine.
#include <cstdlib>
#include <filesystem>

#include "client/bench.h"
#include "client/output.h"
#include "client/verbs.h"

namespace cairn::client {

VerbResult run_verb(const BenchArguments& arguments, Console& console) {
  const std::filesystem::path parent = arguments.directory.empty()
                                           ? std::filesystem::temp_directory_path()
                                           : std::filesystem::path(arguments.directory);
  std::string scratch = (parent / "cairn-bench-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) {
    return make_error(ErrorCode::Io, "cannot make a scratch directory in " + parent.string() +
                                         ": name another with --dir");
  }
  BenchOptions options;
  options.scale = arguments.scale;
  options.seed = arguments.seed;
  options.runs = arguments.runs;
  options.directory = scratch;
  options.say = [&](const std::string& what) { console.note(what); };
  const auto report = run_bench(options);
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  if (!report.ok()) return report.error();
  console.out.line(console.json ? bench_json(options, *report) : bench_table(*report));
  return ExitCode::Ok;
}

}  // namespace cairn::client
