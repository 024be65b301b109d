module github.com/${{ values.organization }}/${{ values.name }}

go 1.25
