// Realistic load for demos, benchmarks and tests: occurrences as JSON Lines in the wire form.
//
// The output is a pure function of the options: same options, same bytes, on every machine. What
// it imitates (group sizes, bursts, drift of releases, users, urls) and with which constants:
// docs/benchmarks.md, section "Generated load".
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "verbs/generate_options.h"

namespace cairn::client {

using verbs::GenerateOptions;
using verbs::kMaxGenerated;
using verbs::kMaxGeneratedBody;

// Fills in every field that is 0. Errors: InvalidArgument names the field out of range and the
// range.
Result<GenerateOptions> resolve_options(const GenerateOptions& options);

// Receives whole lines, each with its newline, in blocks of about 256 KiB. The view is lent for
// the call. An error ends the run and is returned by generate().
using BlockSink = std::function<Result<void>(std::string_view block)>;

// Times ascend over the whole output. Memory: about 24 bytes a fingerprint.
// Errors: InvalidArgument (options), or what the sink returned.
Result<void> generate(const GenerateOptions& options, const BlockSink& sink);

}  // namespace cairn::client
