// What each verb does. All run on the main thread.
//
// A returned error is printed by run() (exit 1); anything else is the process's exit code.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/arguments.h"
#include "client/console.h"

namespace cairn::client {

// Raised by SIGINT while a verb runs that ends in order.
extern std::atomic<bool> interrupt_wanted;
// From now on a first SIGINT raises it, and a second one ends the process as usual.
void end_in_order();

using VerbResult = Result<ExitCode>;

VerbResult run_verb(const InitArguments& arguments, Console& console);
VerbResult run_verb(const ImportArguments& arguments, Console& console);
VerbResult run_verb(const ExportArguments& arguments, Console& console);
VerbResult run_verb(const QueryArguments& arguments, Console& console);
VerbResult run_verb(const ExplainArguments& arguments, Console& console);
VerbResult run_verb(const FieldsArguments& arguments, Console& console);
VerbResult run_verb(const ParseArguments& arguments, Console& console);
VerbResult run_verb(const ShowArguments& arguments, Console& console);
VerbResult run_verb(const HistoryArguments& arguments, Console& console);
VerbResult run_verb(const EventsArguments& arguments, Console& console);
VerbResult run_verb(const TagsArguments& arguments, Console& console);
VerbResult run_verb(const DiffArguments& arguments, Console& console);
VerbResult run_verb(const MergeArguments& arguments, Console& console);
VerbResult run_verb(const MergePairsArguments& arguments, Console& console);
VerbResult run_verb(const UnmergeArguments& arguments, Console& console);
VerbResult run_verb(const SplitArguments& arguments, Console& console);
VerbResult run_verb(const ExperimentArguments& arguments, Console& console);
VerbResult run_verb(const SweepArguments& arguments, Console& console);
VerbResult run_verb(const StatusArguments& arguments, Console& console);
VerbResult run_verb(const AssignArguments& arguments, Console& console);
VerbResult run_verb(const PriorityArguments& arguments, Console& console);
VerbResult run_verb(const StatsArguments& arguments, Console& console);
VerbResult run_verb(const VerifyArguments& arguments, Console& console);
VerbResult run_verb(const RebuildArguments& arguments, Console& console);
VerbResult run_verb(const CompactArguments& arguments, Console& console);
VerbResult run_verb(const BackupArguments& arguments, Console& console);
VerbResult run_verb(const RestoreArguments& arguments, Console& console);
VerbResult run_verb(const RetainArguments& arguments, Console& console);
VerbResult run_verb(const LogArguments& arguments, Console& console);
VerbResult run_verb(const ProjectsArguments& arguments, Console& console);
VerbResult run_verb(const TypesArguments& arguments, Console& console);
VerbResult run_verb(const NoteArguments& arguments, Console& console);
VerbResult run_verb(const AttentionArguments& arguments, Console& console);
VerbResult run_verb(const LinkArguments& arguments, Console& console);
VerbResult run_verb(const StandingArguments& arguments, Console& console);
VerbResult run_verb(const TickArguments& arguments, Console& console);
VerbResult run_verb(const ReleasesArguments& arguments, Console& console);
VerbResult run_verb(const GenerateArguments& arguments, Console& console);
VerbResult run_verb(const BenchArguments& arguments, Console& console);
VerbResult run_verb(const DemoArguments& arguments, Console& console);

// The whole program: parses, runs, prints what went wrong, returns the exit code.
int run(const std::vector<std::string>& words);

}  // namespace cairn::client
