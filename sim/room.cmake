# SPDX-License-Identifier: Apache-2.0
# A room is a folder and a library of its own. widthwise_room(NAME [SOURCES...] [PUBLIC targets...] [PRIVATE targets...])
# declares it. Its headers are included as "NAME/header.h", by those alone who link it: each room's include path is a folder
# that holds nothing but a link to the room. Rooms are declared from the ground up; linking a room that is declared later is
# an error, so that no room includes one above it.
function(widthwise_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  foreach(below IN LISTS ARG_PUBLIC ARG_PRIVATE)
    if(below MATCHES "^widthwise::" AND NOT TARGET ${below})
      message(FATAL_ERROR "The room '${name}' links ${below}, which is no room below it (sim/CMakeLists.txt has their order)")
    endif()
  endforeach()
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(doors ${PROJECT_BINARY_DIR}/rooms/${folder})
  file(MAKE_DIRECTORY ${doors})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${doors}/${folder} SYMBOLIC)
  if(NOT ARG_SOURCES)  # headers alone
    add_library(widthwise_${name} INTERFACE)
    add_library(widthwise::${name} ALIAS widthwise_${name})
    target_include_directories(widthwise_${name} INTERFACE ${doors})
    target_link_libraries(widthwise_${name} INTERFACE widthwise_options ${ARG_PUBLIC})
    return()
  endif()
  add_library(widthwise_${name} STATIC ${ARG_SOURCES})
  add_library(widthwise::${name} ALIAS widthwise_${name})
  target_include_directories(widthwise_${name} PUBLIC ${doors})
  target_link_libraries(widthwise_${name} PUBLIC widthwise_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()
