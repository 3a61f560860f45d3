// Commands of the protocol as those of the embedding interface, and what they did.
//
// Values; execute_command() is for workers.
#pragma once

#include "embed/commands.h"
//
#include <string>
#include <vector>

#include "issue_store.capnp.h"
#include "server/question.h"

namespace cairn::server {

// InvalidArgument: none, one this server does not know, or a number out of range.
Result<v1::Command> read_command(schema::Command::Reader in);

verbs::Scope scope_of(const v1::Command& command);
// "set_project" and so on, for people.
std::string_view name_of(const v1::Command& command);

// Whether `rights` cover the command was asked (scope_of); its issues are looked at here.
Answer<v1::Executed> execute_command(Host& host, const v1::Command& command,
                                     const v1::WriteOptions& options, const verbs::Rights& rights,
                                     const query::Control& control);

void write_executed(schema::Executed::Builder out, const v1::Executed& done);

}  // namespace cairn::server
