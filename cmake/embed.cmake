# embed_sql(TARGET FOLDER): every FOLDER/NNNN_name.sql, in order, as an array that <FOLDER>.c defines and
# src/store/migrations.h declares. The texts are written as bytes, so no SQL needs quoting for C.
function(embed_sql target folder)
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.sql)
    list(SORT files)
    set(out ${PROJECT_BINARY_DIR}/generated/${folder}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} "-DFILES=${files}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_script.cmake
        DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed_script.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src/store)
endfunction()

# embed_text(TARGET SYMBOL FILE): the text of a file as `extern const char SYMBOL[]`, ended by NUL, which whoever uses it declares.
function(embed_text target symbol file)
    set(path ${PROJECT_SOURCE_DIR}/${file})
    set(out ${PROJECT_BINARY_DIR}/generated/${symbol}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFILE=${path} -DSYMBOL=${symbol} -P ${PROJECT_SOURCE_DIR}/cmake/embed_text_script.cmake
        DEPENDS ${path} ${PROJECT_SOURCE_DIR}/cmake/embed_text_script.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
