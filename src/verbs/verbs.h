// What each verb does. Each runs on one thread, and many at once in a process, as all they touch is
// in the context.
//
// A returned error is printed by run_invocation() (exit 1); anything else is the call's exit code.
#pragma once

#include "base/result.h"
#include "verbs/arguments.h"
#include "verbs/context.h"

namespace cairn::verbs {

using VerbResult = Result<ExitCode>;

VerbResult run_verb(const InitArguments& arguments, Context& context);
VerbResult run_verb(const ExportArguments& arguments, Context& context);
VerbResult run_verb(const QueryArguments& arguments, Context& context);
VerbResult run_verb(const ExplainArguments& arguments, Context& context);
VerbResult run_verb(const FieldsArguments& arguments, Context& context);
VerbResult run_verb(const ParseArguments& arguments, Context& context);
VerbResult run_verb(const ShowArguments& arguments, Context& context);
VerbResult run_verb(const HistoryArguments& arguments, Context& context);
VerbResult run_verb(const EventsArguments& arguments, Context& context);
VerbResult run_verb(const TagsArguments& arguments, Context& context);
VerbResult run_verb(const DiffArguments& arguments, Context& context);
VerbResult run_verb(const MergeArguments& arguments, Context& context);
VerbResult run_verb(const MergePairsArguments& arguments, Context& context);
VerbResult run_verb(const UnmergeArguments& arguments, Context& context);
VerbResult run_verb(const SplitArguments& arguments, Context& context);
VerbResult run_verb(const ExperimentArguments& arguments, Context& context);
VerbResult run_verb(const SweepArguments& arguments, Context& context);
VerbResult run_verb(const StatusArguments& arguments, Context& context);
VerbResult run_verb(const AssignArguments& arguments, Context& context);
VerbResult run_verb(const PriorityArguments& arguments, Context& context);
VerbResult run_verb(const StatsArguments& arguments, Context& context);
VerbResult run_verb(const VerifyArguments& arguments, Context& context);
VerbResult run_verb(const RebuildArguments& arguments, Context& context);
VerbResult run_verb(const CompactArguments& arguments, Context& context);
VerbResult run_verb(const BackupArguments& arguments, Context& context);
VerbResult run_verb(const RestoreArguments& arguments, Context& context);
VerbResult run_verb(const RetainArguments& arguments, Context& context);
VerbResult run_verb(const LogArguments& arguments, Context& context);
VerbResult run_verb(const ProjectsArguments& arguments, Context& context);
VerbResult run_verb(const TypesArguments& arguments, Context& context);
VerbResult run_verb(const NoteArguments& arguments, Context& context);
VerbResult run_verb(const AttentionArguments& arguments, Context& context);
VerbResult run_verb(const LinkArguments& arguments, Context& context);
VerbResult run_verb(const StandingArguments& arguments, Context& context);
VerbResult run_verb(const TickArguments& arguments, Context& context);
VerbResult run_verb(const ReleasesArguments& arguments, Context& context);
VerbResult run_verb(const AlertCheckArguments& arguments, Context& context);
VerbResult run_verb(const AlertTestArguments& arguments, Context& context);
VerbResult run_verb(const DigestArguments& arguments, Context& context);
VerbResult run_verb(const AlertArguments& arguments, Context& context);

// Any of them. Unsupported: it belongs to the program that is called (demand.h, Place::Caller).
VerbResult run_any(const VerbArguments& verb, Context& context);

}  // namespace cairn::verbs
