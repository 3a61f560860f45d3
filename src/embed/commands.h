// Public commands as those of the model: names become groups, rules what they find.
//
// Thread: that of the call; borrows its arguments.
#pragma once

#include "embed/core.h"
//
#include "model/command.h"
#include "query/meter.h"

namespace cairn::embed {

// An issue by short id, by id or by a fingerprint (cairn/commands.h). NotFound, InvalidArgument.
Result<GroupId> find_group(const model::State& state, std::string_view reference);

// Finds what the command names, executes it and tells what it did. `control` watches what a rule
// looks for; once it is found, nothing stops the command. Errors: v1::Store::execute(); Closed and
// Exhausted of the control.
Result<v1::Executed> execute(engine::Store& store, const v1::Command& command,
                             const v1::WriteOptions& options, const query::Control& control = {});

}  // namespace cairn::embed
