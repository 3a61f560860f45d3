// bench: figures of this machine.
#include <cstdlib>
#include <filesystem>

#include "client/bench.h"
#include "client/caller_verbs.h"
#include "rpc/address.h"

namespace cairn::client {
namespace {

constexpr int kRuns = 5;
constexpr uint64_t kLongScale = 50'000'000;  // from here on one run takes minutes

}  // namespace

VerbResult run_verb(const verbs::BenchArguments& arguments, Context& context) {
  Console& console = context.console;
  if (rpc::is_address(arguments.store)) {
    return make_error(ErrorCode::InvalidArgument,
                      "--store " + arguments.store + ": bench measures a directory");
  }
  const std::filesystem::path parent = arguments.directory.empty()
                                           ? std::filesystem::temp_directory_path()
                                           : std::filesystem::path(arguments.directory);
  std::string scratch = (parent / "cairn-bench-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) {
    return make_error(ErrorCode::Io, "cannot make a scratch directory in " + parent.string() +
                                         ": name another with --dir");
  }
  // What is in the scratch directory may be many gigabytes: an interrupted run removes it too.
  context.end_in_order();
  BenchOptions options;
  options.scale = arguments.scale;
  options.seed = arguments.seed;
  options.runs = arguments.scale >= kLongScale ? 1 : kRuns;
  if (arguments.runs > 0) options.runs = arguments.runs;
  options.directory = scratch;
  options.store = arguments.store;
  options.only = arguments.only;
  options.verify = arguments.verify;
  options.stop = &context.cancelled;
  options.say = [&](const std::string& what) { console.note(what); };
  std::error_code ignored;
  const bool store_was_there = std::filesystem::exists(arguments.store, ignored);
  const auto report = run_bench(options);
  std::filesystem::remove_all(scratch, ignored);
  const bool keep = arguments.keep || store_was_there || arguments.store.empty();
  if (!keep) std::filesystem::remove_all(arguments.store, ignored);
  if (context.cancelled) return ExitCode::Interrupted;
  if (!report.ok()) return report.error();
  console.out.line(console.json ? bench_json(options, *report) : bench_table(*report));
  return ExitCode::Ok;
}

}  // namespace cairn::client
